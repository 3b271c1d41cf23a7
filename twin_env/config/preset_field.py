"""Fields of a configuration that a file may fill in."""

from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from twin_env.config.load import load_config
from twin_env.config.models import FileField


class Preset(FileField):
    """Annotation of a field that also takes the name or path of a file in ``folder``, or a mapping that extends one.

    ``instrument: Annotated[Instrument, Preset("instruments")]`` accepts ``mgc`` and ``{extends: mgc, symbol: MGCX}``.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Build pydantic's schema: load what names a file, pass on the rest."""

        def load(value: Any) -> Any:
            return load_config(source, value, folder=self.folder) if self.names_file(value) else value

        return core_schema.no_info_before_validator_function(load, handler(source))

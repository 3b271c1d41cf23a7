"""Kernels compiled in one piece: the code of all functions under a call from Python is optimised together, once.

By default numba optimises every function with all it calls and makes machine code of it, then does the same again for
each of its callers. Here a kernel that a kernel calls stays as it was lowered to LLVM's language. What Python calls
gets a wrapper, and the wrapper and all kernels under it are linked, optimised, made machine code of and cached as one.

All of it is in classes of our own, so that other functions in the process are compiled as numba does it; those that
call a kernel get its code, and that of all it calls, as if it were one function. Much of what the classes stand on is
private to numba: ``is_supported`` names the versions where that was checked.
"""

import os
import weakref
from collections.abc import Mapping
from typing import Any, Final

import numba
from numba import core as _core
from numba.core import types

core: Any = _core  # typed in part, which is not the part that is used here
_OLDEST: Final = (0, 61)
_NEWEST: Final = (0, 68)
_ENVIRONMENT: Final = "_ZN08NumbaEnv"
_UNRESOLVED: Final = core.codegen.RuntimeLinker.PREFIX


def is_supported() -> bool:
    """Tell whether this version of numba is one of those checked and ``TWIN_LINK_ONCE`` is not 0."""
    return _OLDEST <= numba.version_info.short <= _NEWEST and os.environ.get("TWIN_LINK_ONCE") != "0"


class _Lowered(core.codegen.JITCodeLibrary):  # type: ignore[misc]
    """The code of one kernel as it was lowered: no machine code, but a part of that of whoever links it."""

    def add_linking_library(self, library: Any) -> None:
        """Note what the kernel calls."""
        if not isinstance(library, _Lowered):
            library._ensure_finalized()
        self._linking_libraries.append(library)
        if hasattr(library, "_reload_init"):  # numba 0.61 has it elsewhere
            self._reload_init.update(library._reload_init)

    def finalize(self) -> None:
        """Leave the code as it is."""
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        """Return the kernel with all that it calls; numba's libraries ask for it when they are made machine code of.

        Raises:
            NotImplementedError: If kernels call each other in a circle.
        """
        module = self._with_callees()
        self._publish_environments(module)
        return module

    def _with_callees(self) -> Any:
        """Link kernels first, then what they use of numba: LLVM leaves out what nobody has called so far."""
        kernels, others = self._reachable()
        module = self._final_module.clone()
        for kernel in kernels[1:]:
            module.link_in(kernel._final_module, preserve=True)
        for library in others:
            module.link_in(library._get_module_for_linking(), preserve=True)
        if any(variable.name.startswith(_UNRESOLVED) for variable in module.global_variables):
            raise NotImplementedError(
                f"{self.name}: kernels that call each other in a circle cannot be linked once; make one of them a "
                "loop, or compile every kernel by itself with TWIN_LINK_ONCE=0"
            )
        for function in module.functions:
            if not function.is_declaration and function.linkage == core.codegen.ll.Linkage.external:
                function.linkage = "linkonce_odr"
        return module

    def _reachable(self) -> tuple[list["_Lowered"], list[Any]]:
        """Return this kernel and those under it, each once, and numba's own libraries that any of them uses."""
        kernels: dict[Any, None] = {}
        others: dict[Any, None] = {}
        left: list[Any] = [self]
        while left:
            library = left.pop()
            if not isinstance(library, _Lowered):
                others[library] = None
            elif library not in kernels:
                kernels[library] = None
                left += library._linking_libraries
        return list(kernels), list(others)

    def _publish_environments(self, module: Any) -> None:
        """Define the variables through which kernels find their Python globals, and fill them.

        numba does so for a function that it makes machine code of, once the code is there.
        """
        known = self._codegen._engine.is_symbol_defined
        names = (variable.name for variable in module.global_variables if variable.name.startswith(_ENVIRONMENT))
        missing = {name: core.environment.lookup_environment(name) for name in names if not known(name)}
        missing = {name: environment for name, environment in missing.items() if environment is not None}
        if not missing:
            return
        pointer = core.cgutils.voidptr_t
        library = self._codegen.create_library("environments")
        variables = library.create_ir_module("environments")
        for name in missing:
            variable = core.codegen.llvmir.GlobalVariable(variables, pointer, name)
            variable.linkage, variable.initializer = "common", core.cgutils.get_null_value(pointer)
        library.add_ir_module(variables)
        library.finalize()
        for name, environment in missing.items():
            self._codegen.set_env(name, environment)


class _Compiler(core.dispatcher._FunctionCompiler):  # type: ignore[misc]
    """Lowers a kernel, once for all callers, and links it for Python."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.lowered: dict[tuple[types.Type, ...], Any] = {}

    def lower(self, args: tuple[types.Type, ...]) -> Any:
        """Return numba's result for a kernel that kernels call.

        Raises:
            numba.TypingError: If the kernel cannot be typed for these arguments.
        """
        if args not in self.lowered:
            result = super().compile(args, None)
            result = result._replace(entry_point=result.library)  # what numba looks the function up by
            result.target_context.insert_user_function(result.entry_point, result.fndesc, [result.library])
            self.lowered[args] = result
        return self.lowered[args]

    def compile(self, args: tuple[types.Type, ...], return_type: Any) -> Any:
        """Return numba's result for a kernel that Python calls."""
        lowered = self.lower(tuple(args))
        descriptor, environment = lowered.fndesc, lowered.environment
        library = lowered.library.codegen.create_library(descriptor.qualname)
        library.enable_object_caching()
        context = lowered.target_context.subtarget(environment=environment, fndesc=descriptor)
        with context.push_code_library(library):
            context.create_cpython_wrapper(
                library,
                descriptor,
                environment,
                lowered.call_helper,
                release_gil=self.targetoptions.get("nogil", False),
            )
        library.add_linking_library(lowered.library)
        function = context.get_executable(library, descriptor, environment)
        return lowered._replace(
            library=library, entry_point=function, reload_init=list(getattr(library, "_reload_init", ()))
        )

    def _compile_core(self, args: tuple[types.Type, ...], return_type: Any) -> Any:
        """Do what numba's method does, up to the point where the code would be optimised."""
        flags = core.compiler.Flags()
        self.targetdescr.options.parse_as_flags(flags, self.targetoptions)
        flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
        context = self.targetdescr.target_context
        return core.compiler.compile_extra(
            self.targetdescr.typing_context,
            context,
            self.py_func,
            args=args,
            return_type=return_type,
            flags=flags,
            locals=self.locals,
            library=_Lowered(context.codegen(), self.py_func.__qualname__),
            pipeline_class=self.pipeline_class,
        )


class LinkedKernel(core.registry.CPUDispatcher):  # type: ignore[misc]
    """A kernel as numba knows it: ``overloads`` are what Python called, kernels that call it get the lowered code."""

    def __init__(self, py_func: Any, locals: Any = None, targetoptions: Any = None) -> None:
        super().__init__(py_func, locals, targetoptions)
        self._compiler: Any = _Compiler(
            py_func, self.targetdescr, self.targetoptions, self.locals, core.compiler.Compiler
        )
        weakref.finalize(self, _forget, self._compiler.lowered).atexit = False

    def get_call_template(self, args: Any, kws: Any) -> tuple[Any, ...]:
        """Return the type of a call by compiled code, in numba's form."""
        signature, args = self._compiler.fold_argument_types(args, kws)
        with core.compiler_lock.global_compiler_lock, self._compiling_counter:
            lowered = self._compiler.lower(tuple(args))
        name = self.py_func.__name__
        template = core.typing.make_concrete_template(f"CallTemplate({name})", key=name, signatures=[lowered.signature])
        return template, signature, args, {}

    def get_overload(self, sig: Any) -> Any:
        """Return what numba looks up the code for compiled callers by."""
        return self._compiler.lowered[tuple(sig)].entry_point


def linked_kernel(function: Any, options: Mapping[str, Any]) -> LinkedKernel:
    """Return a dispatcher like that of ``numba.njit(**options)``."""
    return LinkedKernel(function, {}, {"nopython": True, "boundscheck": None, **options})


def _forget(lowered: Mapping[Any, Any]) -> None:
    """Let numba drop the code of a kernel that is gone."""
    for result in lowered.values():
        result.target_context.remove_user_function(result.entry_point)

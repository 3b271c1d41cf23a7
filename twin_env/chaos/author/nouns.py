"""What sentences about faults speak of: feeds, gateways, venues, makers, prices, and how prices move."""

from typing import Final

THE: Final = r"(?:the |my |our |all |all the )?"
FEED: Final = THE + r"(?:market data feed|market data|data feed|price feed|quote feed|feed|data|quotes)"
PACKETS: Final = THE + (
    r"(?:packets|messages|updates|ticks|feed packets|feed messages|market data(?: messages|"
    r" packets)?|feed|data)"
)
GATE: Final = THE + (
    r"(?:order gateway|gateway|order session|order entry|order connection|order link|"
    r"broker connection|order wire)"
)
VENUE: Final = THE + r"(?:exchange|venue|matching engine)"
PRICE: Final = r"(?:the )?(?:price of <sym>|price|market|mid|<sym> price|<sym>)"
HOST: Final = THE + r"(?:trading )?(?:strategy|bot|algo|algorithm|machine|host|process|server)"
MAKERS: Final = THE + r"(?:of )?(?:the )?(?:market makers|makers|liquidity providers|market maker|maker)"
REPORTS: Final = THE + (
    r"(?:of )?(?:the |my )?(?:order )?(?:acks|ack|acknowledgements|acknowledgments|"
    r"reports|execution reports|fills|fill reports)"
)
REQUESTS: Final = THE + r"(?:of )?(?:the |my )?(?:orders|requests|order requests|order)"
M: Final = r"<m\d+>"
SOME: Final = rf"(?:{M} (?:of )?)?"
ADD: Final = (
    rf"add(?:s|ing)? (?:an? )?(?:extra )?(?:{M} (?:of )?)?(?:extra )?(?:latency|"
    r"delay|lag) (?:to|on) "
)
FALLS: Final = r"(?:drop|fall|plunge|plummet|sink|dive|tumble|collapse|slide|crash|tank)(?:s|es|ing)?"
RISES: Final = r"(?:rall(?:y|ies|ying)|(?:jump|spike|surge|soar|rise|rocket|climb)(?:s|ing)?)"
QUICKLY: Final = r"(?:suddenly |quickly |sharply |rapidly |to )?"

"""What faults are called: phrases by kind, over a text whose amounts, times and symbols are marks."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from twin_env.chaos.author.nouns import (
    ADD,
    FALLS,
    FEED,
    GATE,
    HOST,
    MAKERS,
    PACKETS,
    PRICE,
    QUICKLY,
    REPORTS,
    REQUESTS,
    RISES,
    SOME,
    THE,
    VENUE,
    M,
)

PHRASES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "flash_crash": (
            r"(?:flash |mini flash |market |price )?crash(?:es)?",
            rf"crash(?:es|ed|ing)?(?: {PRICE})?",
            r"sell ?off",
            rf"{PRICE} {QUICKLY}{FALLS}",
            rf"(?:drop|push|drive|knock|send|dump)(?:s|ing)? {PRICE}(?: down| lower)?",
            rf"{M} (?:price )?(?:drop|fall|plunge|decline|dump)",
            rf"(?:flash |price )?crash of {M}",
            rf"(?:price )?(?:drop|fall|plunge|decline) (?:of|by) {M}",
            r"price drop",
            rf"(?:drop|fall|plunge) {M}",
            rf"{PRICE} (?:goes|moves) (?:down|lower)",
        ),
        "flash_rally": (
            r"(?:flash |price |market )?rally",
            r"melt ?up",
            r"short squeeze",
            rf"{PRICE} {QUICKLY}{RISES}(?: up)?",
            r"price spike",
            rf"(?:push|drive|spike|pump|send|rally)(?:s|ing)? {PRICE} (?:up|higher)",
            rf"(?:rally|spike|pump) {PRICE}",
            rf"{PRICE} (?:goes|moves|shoots) (?:up|higher)",
            rf"{M} (?:price |flash )?(?:rally|jump|spike|surge|rise)",
            rf"(?:price |flash )?(?:rally|jump|spike|surge|rise) of {M}",
            r"flash spike",
        ),
        "fat_finger": (
            r"fat finger(?:ed)?(?: market)?(?: order| trade| error| mistake)?",
            r"erroneous (?:market )?order",
            r"mistaken (?:market )?order",
        ),
        "liquidity_drought": (
            (
                r"liquidity (?:drought|crisis|crunch|shortage|vacuum|hole|dries up|drying up|"
                r"drops?|evaporates|disappears|vanishes|falls)"
            ),
            r"(?:thin|thinner|shallow) (?:order )?(?:book|liquidity)",
            rf"{M} (?:the )?(?:liquidity|depth)",
            r"(?:the )?(?:order )?book (?:thins|thinning|thin|thinned)(?: out)?",
            r"(?:drain|thin|remove|reduce|cut) (?:the )?(?:liquidity|depth|order book|book)(?: out)?",
            (
                r"(?:the )?(?:book |market )?depth (?:drops|falls|shrinks|is cut|collapses|"
                rf"is reduced|goes|{M})"
            ),
        ),
        "spread_widening": (
            r"(?:widen|widening|widens|blow out|stretch|increase|multiply)(?: the)?(?: bid ask)? spreads?",
            (
                r"(?:the )?(?:bid ask )?spreads? (?:widen(?:s|ing|ed)?|blow(?:s|ing)? out|"
                r"go(?:es)?|increases?|expands?|are|is)(?: out| up)?"
            ),
            r"wider? spreads?",
            rf"{M} (?:the )?(?:usual |normal |wider )?spreads?",
            rf"(?:the )?spreads? {M}(?: wider)?",
        ),
        "chop": (
            r"(?:market |price )?chop(?:s|py|piness|ping)?(?: market| trading| conditions)?",
            r"(?:market )?whipsaws?",
            r"(?:<sym> |market )?chops?(?: sideways)?",
        ),
        "maker_withdrawal": (
            (
                rf"{MAKERS} (?:withdraw(?:s|al|ing|n)?|leav(?:e|es|ing)|vanish(?:es)?|disappear(?:s|"
                r"ing)?|pull(?:s|ing)?(?: out| away| back| their quotes| quotes)?|step(?:s|"
                r"ping)? (?:away|back|aside)|stop quoting|go away|are gone|gone)"
            ),
            rf"(?:pull|withdraw|remove|lose)(?:s|ing)? {SOME}{MAKERS}",
            r"withdrawal of (?:the )?(?:market )?makers",
        ),
        "volatility_regime": (
            (
                r"(?:high |higher |elevated |increased )?volatility(?: regime| spike| burst|"
                r" shift| goes| is| rises)?(?: up)?"
            ),
            r"volatile(?: market| trading| regime)?",
            r"(?:raise|increase|multiply) (?:the )?volatility",
            r"vol spike",
        ),
        "gap": (
            r"(?:opening |overnight |price |weekend )?gap",
            r"gap(?:s|ping)?(?: open| move)?",
            rf"{PRICE} (?:gaps?|opens)",
            rf"gap {PRICE}",
        ),
        "momentum_ignition": (r"momentum ignition", r"ignit(?:e|es|ing) (?:the )?momentum"),
        "spoofing": (r"spoof(?:s|ing|er|ers)?(?: orders?)?", r"layering", r"fake (?:orders|walls?|liquidity)"),
        "quote_stuffing": (
            r"quote stuffing",
            r"stuff(?:s|ing)? (?:the )?(?:order book|book|quotes)",
            r"flood(?:s|ing)? the (?:order )?book",
            r"quote stuffers?",
        ),
        "trading_halt": (
            r"(?:trading |market |exchange )?halts?",
            r"halt(?:s|ed|ing)? (?:the )?(?:trading|market|<sym>)",
            r"trading (?:halts?|pauses?|stops|is halted|is paused|suspension|is suspended)",
            r"(?:pause|suspend|stop)s? (?:the )?trading",
            r"circuit breaker",
            rf"{VENUE} (?:halts|pauses|stops)(?: trading)?",
        ),
        "velocity_logic": (r"velocity (?:logic|halts?|pauses?|guard|rule)", r"stop logic"),
        "price_band": (r"(?:tighten |narrow |apply |set )?(?:the )?price bands?", r"price collars?"),
        "exchange_outage": (
            (
                rf"{VENUE} (?:(?:wide )?outage|crash(?:es)?|goes (?:down|dark|offline)|is (?:down|"
                r"gone|offline)|dies|fails|failure|disappears|disconnects?)"
            ),
            rf"(?:kill|crash|shut down|take down)(?:s|ing)? {VENUE}(?: down)?",
            r"outage of the (?:exchange|venue)",
        ),
        "reject_storm": (
            r"reject(?:ion)? storm",
            (
                rf"(?:(?:{GATE}|{VENUE}|{THE}broker) )?(?:rejects?|refuses?|rejecting|"
                rf"refusing) {SOME}{REQUESTS}"
            ),
            rf"{REQUESTS} (?:are |get |being |is )?(?:rejected|refused)",
            r"order (?:rejections?|rejects)",
            rf"(?:{GATE}|{VENUE}|{THE}broker) (?:rejects|refuses) {M}",
            r"reject everything",
        ),
        "throttle": (
            rf"throttl(?:e|es|ed|ing)(?: (?:{REQUESTS}|{GATE}|{THE}messages|{THE}order rate))?",
            r"(?:order )?rate limit(?:s|ed|ing)?(?: my orders| my requests| orders| requests)?",
        ),
        "auction_reopen": (
            r"(?:re ?)?open(?:s|ing)? (?:by|with|via|in|through) (?:an )?auction",
            r"(?:re ?opening|call|volatility) auction",
            r"auction(?: reopen| reopening)?",
            r"auction re ?opening",
        ),
        "fee_change": (
            (
                r"(?:raise|raises|increase|increases|multiply|change) (?:the |my )?(?:exchange |"
                r"trading )?(?:fees|commissions)"
            ),
            (
                r"(?:exchange |trading )?(?:fees?|commissions?)(?: change| changes| hike|"
                r" increase| rise| are| go up| go| rises?)?"
            ),
        ),
        "margin_change": (
            r"margin (?:change|hike|increase|raise|requirement)s?",
            r"(?:raise|raises|increase|increases|hike|hikes) (?:the |my )?margins?(?: requirements?)?",
            r"(?:cut|cuts|lower|lowers|reduce|reduces|set) (?:the |my )?position limit",
            r"position limit(?: of| is cut| drops| falls| cut)?",
        ),
        "feed_disconnect": (
            (
                rf"{FEED} (?:disconnect(?:ion|s|ed)?|down|outage|drop ?out|blackout|cut|is (?:cut|"
                r"lost|down|disconnected|gone|out|off)(?: off)?|goes (?:down|dark|dead|out)|"
                r"(?:drops|cuts) out|cuts|drops|fails?|failure|interruption|is interrupted|"
                r"dies)"
            ),
            (
                r"(?:cut|kill|drop|disconnect|lose|unplug|sever|interrupt|take down|shut off|"
                rf"switch off|turn off)(?:s|ing)?(?: off)? {FEED}(?: off| connection)?"
            ),
            rf"(?:disconnection|disconnect|loss|outage|interruption) of {FEED}",
        ),
        "feed_loss": (
            rf"(?:lose|drop|lost|dropping|losing|drops|loses) {SOME}{PACKETS}",
            rf"{M} of {PACKETS} (?:are |is |get |gets )?(?:lost|dropped|missing)",
            r"(?:packet|message|feed|data|market data|feed packet) loss(?: (?:on|in) (?:the )?(?:market data|feed))?",
            rf"{PACKETS} (?:are |is |get |gets )?lost",
            rf"{FEED} (?:drops|loses) {SOME}{PACKETS}",
            rf"{M} (?:packet|message) loss(?: (?:on|in) (?:the )?(?:market data|feed))?",
        ),
        "feed_duplication": (
            rf"duplicat(?:e|es|ed|ing) {SOME}{PACKETS}",
            rf"{SOME}{PACKETS} (?:are |is |get |gets )?duplicated",
            r"(?:packet|message|feed|market data|data) duplication",
            r"duplication of (?:packets|messages|market data|the feed)",
        ),
        "feed_reordering": (
            rf"(?:re ?order|shuffle)(?:s|ed|ing)? {SOME}{PACKETS}",
            (
                rf"{SOME}{PACKETS} (?:arrives? |comes? |are |is |re ?ordered|shuffled)(?:out of order|"
                r"re ?ordered|shuffled)?"
            ),
            rf"out of order {PACKETS}",
            r"(?:packet|message|feed|market data) re ?ordering",
        ),
        "feed_stale": (
            rf"stale {FEED}",
            r"stale prices",
            rf"{FEED} (?:goes|is|gets|becomes|turns|go|are) (?:stale|frozen|stuck)",
            rf"{FEED} (?:freezes|freeze|hangs|stalls|sticks)",
            rf"(?:freeze|stall)(?:s|ing)? {FEED}",
            rf"frozen {FEED}",
        ),
        "feed_delay": (
            (
                rf"{FEED} (?:delay|lag|latency(?: spike)?|is delayed|is late|lags|arrives late|"
                r"slows down|is slow|delayed)"
            ),
            rf"(?:delay|slow|slow down|lag)(?:s|ing)? {FEED}",
            rf"latency(?: spike)? (?:on|in|of|to) {FEED}",
            rf"{ADD}{FEED}",
            rf"delayed {FEED}",
            rf"late {FEED}",
        ),
        "crossed_feed": (
            r"crossed (?:order book|book|feed|market|quotes)",
            r"locked (?:order book|book|market)",
            r"(?:the )?book (?:is |appears |looks )(?:crossed|locked)",
        ),
        "order_disconnect": (
            (
                rf"{GATE} (?:disconnect(?:ion|s|ed)?|down|outage|is (?:cut|lost|down|disconnected|"
                r"gone)|goes (?:down|dark)|drops|dies|fails?|failure|loss)"
            ),
            rf"(?:kill|cut|disconnect|drop|lose|sever|take down|shut down)(?:s|ing)? {GATE}",
            r"order disconnect(?:ion)?",
            rf"(?:loss|disconnection|outage) of {GATE}",
        ),
        "order_delay": (
            r"order (?:delay|latency|lag)(?: spike)?",
            rf"(?:delay|slow|slow down)(?:s|ing)? (?:{REPORTS}|{REQUESTS}|{GATE})",
            rf"latency(?: spike)? (?:on|in|of|to|for) (?:{REPORTS}|{REQUESTS}|{GATE})",
            rf"{ADD}(?:{REPORTS}|{REQUESTS}|{GATE})",
            (
                rf"(?:{REPORTS}|{REQUESTS}) (?:are delayed|arrive late|come late|are late|"
                rf"take {M} longer|are {M} late)(?: by)?"
            ),
            rf"(?:late|delayed) (?:{REPORTS}|orders)",
            rf"slow {GATE}",
        ),
        "ack_loss": (
            rf"(?:lose|drop|losing|dropping|loses|drops) {SOME}{REPORTS}",
            rf"{SOME}{REPORTS} (?:are |get |is )?lost",
            r"ack loss",
            rf"lost {REPORTS}",
            rf"loss of {REPORTS}",
        ),
        "ack_duplication": (
            rf"duplicat(?:e|es|ed|ing) {SOME}(?:{REPORTS}|{REQUESTS})",
            rf"{SOME}(?:{REPORTS}|{REQUESTS}) (?:are |get |is )duplicated",
            r"(?:ack|order|report|request) duplication",
            rf"duplicated? (?:{REPORTS}|{REQUESTS})",
        ),
        "clock_skew": (
            r"(?:clock|time) (?:skew|drift|offset|error|jump)",
            rf"{THE}(?:strategy |system )?clock (?:is|runs|goes|jumps|drifts)(?: off| wrong)?(?: by)?",
            rf"(?:skew|shift|set|move|put)(?:s|ing)? {THE}(?:system )?clock",
        ),
        "position_mismatch": (
            r"position (?:mismatch|desync|discrepancy|error|is wrong|is off)(?: by)?",
            r"(?:the |my )?(?:broker|account) (?:reports|shows) (?:the |a )?wrong position",
            r"wrong position",
            r"(?:reported|broker) position is (?:wrong|off)(?: by)?",
        ),
        "slow_strategy": (
            rf"(?:slow|slow down)(?:s|ing)? {HOST}(?: down)?",
            (
                rf"{HOST} (?:is slow(?:er)?|slows down|gets slow(?:er)?|takes {M} longer|"
                rf"needs {M} longer|is delayed)(?: to decide)?"
            ),
            rf"slow {HOST}",
            rf"{ADD}(?:{HOST}|decisions)",
            r"slow decisions",
        ),
        "frozen_strategy": (
            rf"(?:freeze|pause|hang|stall)(?:s|ing)? {HOST}",
            rf"{HOST} (?:freezes?|hangs|is frozen|stalls|pauses|freezing)",
            r"(?:gc|garbage collection|host|vm) (?:pause|stall)",
            rf"frozen {HOST}",
            rf"{HOST} (?:freeze|pause|stall|hang)",
        ),
    }
)

"""The yardstick for XMPP: a bare slixmpp bot that keeps nothing.

Answers every chat body b with "ok " + b; with --relay it sends that to the writer's other half
instead: u1-x for u0-x, u2-x for u3-x. The same TLS and SCRAM as the gateway's adapter, no
stream management, no plugins.

Run: python benchmarks/raw_xmpp_echo.py --port 5222 --ca cert.pem --jid bot@d --password-file F
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
from pathlib import Path

import slixmpp


async def main(options: argparse.Namespace, password: str) -> None:
    trust = ssl.create_default_context(cafile=options.ca)
    bot = slixmpp.ClientXMPP(f"{options.jid}/raw", password, ssl_context=trust)
    bot.enable_direct_tls = False
    bot.plugin["feature_mechanisms"].use_mechs = {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"}

    def answer(message: slixmpp.Message) -> None:
        if message["type"] != "chat":
            return
        answer = message.reply("ok " + message["body"])
        if options.relay:
            number, _, rest = answer["to"].bare.removeprefix("u").partition("-")
            answer["to"] = f"u{int(number) ^ 1}-{rest}"
        answer.send()

    bot.add_event_handler("session_start", lambda _: bot.send_presence())
    bot.add_event_handler("message", answer)
    bot.connect("127.0.0.1", options.port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--jid", required=True)
    parser.add_argument("--password-file", required=True)
    parser.add_argument("--relay", action="store_true")
    options = parser.parse_args()
    asyncio.run(main(options, Path(options.password_file).read_text().strip()))

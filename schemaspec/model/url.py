"""The address of a database, and how to speak of it without giving away its secrets."""

from __future__ import annotations

from types import MappingProxyType

from schemaspec.errors import InputError
from schemaspec.model.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# `re` is imported where it is first used: most runs speak of no secret.
_SECRET_OPTION = r"(?i)pass|pwd|secret|token|key"
_URL_PASSWORD = r"([a-zA-Z][\w+.-]*://[^\s/?#:@]*):([^\s]*)@(?=[^\s@]*)"
_SECRET_PARAMETER = r"(?i)((?:[\w.-]*(?:pass|pwd|secret|token)[\w.-]*)\s*=\s*)('[^']*'|\"[^\"]*\"|[^\s&;,'\"]+)"
_KEYWORDS = r"(?i)(?:^|\s)(?:host|hostaddr|port|dbname|user|password|service)\s*="
MASK = "***"


class DatabaseUrl(Value):
    """A parsed database URL. Its `str` and `repr` never show a password.

    Args:
        scheme: as written, lower case: `sqlite`, `postgresql`, `mysql` …
        user, password, host, port, options: as in the URL, percent-decoded; `options` from the query part. Several hosts, as
            libpq takes them (`one:5432,two:5433`), are a list with commas in `host`, and their ports one in the option `port`.
        database: the database's name; for a file, its path as written after `scheme:///`.
    """

    scheme: str
    database: str
    user: str = ""
    password: str = ""
    host: str = ""
    port: int | None = None
    options: Mapping[str, str] = MappingProxyType({})

    @classmethod
    def parse(cls, text: str) -> DatabaseUrl:
        """Read a URL such as `sqlite:///store.db` or `postgresql://user:secret@host:5432/shop?sslmode=require`.

        Raises:
            InputError: the text is no URL of that form; the message never repeats a password.
        """
        if "://" not in text:
            raise InputError(
                f"not a database URL: {redact(text)}",
                fix="write for example sqlite:///store.db or postgresql://user@host/name",
            )
        scheme, _, rest = text.partition("://")
        scheme = scheme.lower()
        if scheme.startswith("sqlite"):
            path, _, query = rest.partition("?")
            if path and not path.startswith("/"):
                raise InputError(
                    f"a SQLite URL names no host: {redact(text)}",
                    fix="use three slashes: sqlite:///relative.db, four for /absolute.db",
                )
            return cls(scheme=scheme, database=_decoded(path[1:]), options=_options(query))
        from urllib.parse import urlsplit

        try:
            authority = min((rest.partition(mark)[0] for mark in "/?#"), key=len)
            # A password may hold any character but must be told apart from the host: the last @ before the path ends it.
            login, at, hosts = authority.rpartition("@")
            several = _several(hosts)
            # A list of hosts is no URL's, and with [::1] in it newer Pythons refuse it.
            parts = urlsplit(f"{scheme}://{login}{at}{'' if several else hosts}{rest[len(authority) :]}")
            port = None if several else parts.port
        except ValueError as error:
            raise InputError(f"not a database URL: {redact(text)}", why=redact(str(error))) from None
        return cls(
            scheme=scheme,
            user=_decoded(parts.username or ""),
            password=_decoded(parts.password or ""),
            host=_decoded(several[0] if several else parts.hostname or ""),
            port=port,
            database=_decoded(parts.path.lstrip("/")),
            options=MappingProxyType({**_options(parts.query), **(several[1] if several else {})}),
        )

    def __str__(self) -> str:
        return self._text(MASK if self.password else "")

    def __repr__(self) -> str:
        return f"DatabaseUrl({self})"

    def with_database(self, database: str) -> DatabaseUrl:
        """The same server, another database."""
        return self.replaced(database=database)

    def _text(self, password: str) -> str:
        user = _encoded(self.user)
        login = f"{user}:{password}@" if password else f"{user}@" if user else ""
        host = ",".join(f"[{one}]" if ":" in one else _encoded(one) for one in self.host.split(","))
        port = f":{self.port}" if self.port is not None else ""
        return f"{self.scheme}://{login}{host}{port}/{self.database}" + (f"?{_shown(self.options)}" if self.options else "")


def _shown(options: Mapping[str, str]) -> str:
    import re

    return "&".join(f"{key}={MASK if re.search(_SECRET_OPTION, key) else value}" for key, value in options.items())


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def _encoded(text: str) -> str:
    if not text or (text.isascii() and text.isalnum()):
        return text
    from urllib.parse import quote

    return quote(text, safe="")


def _several(authority: str) -> tuple[str, dict[str, str]] | None:
    """The hosts of a list as one text, and their ports as an option; None where there is but one host.

    Raises:
        ValueError: a port is no number.
    """
    if "," not in authority:
        return None
    import re

    hosts, ports = [], []
    for entry in authority.split(","):
        found = re.fullmatch(r"\[([^\]]*)\](?::(\d*))?|([^:]*)(?::(\d*))?", entry)
        if found is None:
            raise ValueError(f"not a host and its port: {entry}")
        hosts.append((found[1] or found[3] or "").lower())
        ports.append(found[2] or found[4] or "")
    return ",".join(hosts), {"port": ",".join(ports)} if any(ports) else {}


def _options(query: str) -> Mapping[str, str]:
    if not query:
        return MappingProxyType({})
    from urllib.parse import parse_qsl

    return MappingProxyType(dict(parse_qsl(query, keep_blank_values=True)))


def machine(host: str) -> str:
    """A host in one spelling: `localhost` for all ways to say this machine, the folder of a socket among them."""
    here = host in ("", "127.0.0.1", "::1") or host.startswith(("/", "@"))
    return "localhost" if here else host.lower()


def file_url(path: str) -> str:
    """The URL of a SQLite file that is named by its path.

    Raises:
        InputError: it is no path but a list of keywords, as libpq's programs take them: it would become a file of that name.
    """
    # Without an equals sign it is no list of keywords; most paths have none.
    if "=" in path and _is_keywords(path):
        raise InputError(
            f"not a database URL: {redact(path)}",
            fix="write it as a URL: postgresql://user@host:5432/name, options behind a question mark",
        )
    return "sqlite:///" + path.replace("%", "%25").replace("?", "%3F")


def _is_keywords(text: str) -> bool:
    import re

    return re.search(_KEYWORDS, text) is not None


def redact(text: str, *secrets: str) -> str:
    """The text without passwords: those of URLs, of `password=` parameters, and the given secrets wherever they stand.

    Every text that came from outside (a driver's error, a URL in a message) goes through here before it is shown.
    """
    import re

    for secret in secrets:
        if secret:
            from urllib.parse import quote

            for form in {secret, quote(secret, safe=""), quote(secret)}:
                text = text.replace(form, MASK)
    text = re.sub(_URL_PASSWORD, rf"\1:{MASK}@", text)
    return re.sub(_SECRET_PARAMETER, rf"\1{MASK}", text)

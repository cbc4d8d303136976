"""The memory of tokens and the refreshing of keys, in virtual time."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.timestamp import read_rfc3339
from app.tokens.fetching import FetchFailed
from app.tokens.keys import KeySet, read_key_set
from app.tokens.refreshed import APART_S_MIN, KEEP_S_MAX, Refresh, Refreshed
from app.tokens.remembered import BAD_S, Generations
from app.tokens.revocations import bits_of
from app.tokens.tokens import REFRESH_S, REVOCATIONS_S, KeysMissing, Looked, Tokens, TokenSources
from app.tokens.verification import TokenClaims, TokenRefused, TokenRules
from tests.issuer import NOW_S, key_set, public_jwk, segment, token
from tests.unit.test_token_verification import RULES
from tests.virtual_time import pass_time, run_virtual


@pytest.fixture(autouse=True)
def without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Virtual time does not wait for threads."""

    async def inline(read: Callable[[bytes], object], content: bytes) -> object:
        return read(content)

    monkeypatch.setattr(asyncio, "to_thread", inline)


class Source:
    """Where a key set comes from; a failure where it is None."""

    def __init__(self, content: bytes | None) -> None:
        self.content = content
        self.fetched_s: list[float] = []

    async def fetch(self) -> bytes:
        self.fetched_s.append(now_s())
        if self.content is None:
            raise FetchFailed("the answer is 503")
        return self.content


def now_s() -> float:
    return asyncio.get_running_loop().time()


def wall_s() -> float:
    """Return the time of tokens: it runs with the loop's, from 1,000 there."""
    return NOW_S + now_s() - 1_000


def run(
    source: Source,
    play: Callable[[Tokens], Awaitable[None]],
    revoking: Source | None = None,
    rules: TokenRules = RULES,
) -> list[Looked]:
    """Return what came of each look at a token."""
    looks: list[Looked] = []

    async def main() -> None:
        sources = TokenSources(source.fetch, None if revoking is None else revoking.fetch)
        tokens = Tokens(rules, lambda _: sources, wall_s, looks.append)
        async with tokens.refreshing():
            await play(tokens)

    run_virtual(main())
    return looks


def refused(tokens: Tokens, sent: bytes) -> TokenRefused:
    with pytest.raises(TokenRefused) as raised:
        tokens.verify(sent)
    return raised.value


def test_a_token_is_looked_at_once_and_remembered_until_it_expires() -> None:
    sent = token()

    async def play(tokens: Tokens) -> None:
        assert tokens.find(sent) is None
        claims = tokens.verify(sent)
        assert tokens.find(sent) == claims
        await pass_time(3_600 + 29)
        assert tokens.find(sent) == claims
        await pass_time(2)
        for _ in range(3):
            found = tokens.find(sent)
            assert isinstance(found, TokenRefused)
            assert "expired" in found.detail

    assert run(Source(key_set("rsa")), play) == [Looked.GOOD]


def test_a_bad_token_is_remembered_for_a_while_and_one_that_may_become_good_is_not() -> None:
    bad, early, unknown = token()[:-9], token(nbf=NOW_S + 60), token(kid="rsa-new")

    async def play(tokens: Tokens) -> None:
        for sent in (bad, early, unknown):
            refused(tokens, sent)
        assert isinstance(tokens.find(bad), TokenRefused)
        assert tokens.find(early) is tokens.find(unknown) is None
        await pass_time(BAD_S + 1)
        assert tokens.find(bad) is None
        assert tokens.verify(early).subject == "alice"

    assert run(Source(key_set("rsa")), play) == [
        *(Looked.REFUSED, Looked.REFUSED, Looked.KEY_UNKNOWN, Looked.GOOD)
    ]


def test_10000_tokens_of_unknown_keys_lead_to_one_fetch_in_30_s() -> None:
    source = Source(key_set("rsa"))

    async def play(tokens: Tokens) -> None:
        good = token()
        for number in range(100):
            for kid in range(100):
                refused(tokens, token(header={"kid": f"{number}-{kid}"}))
            assert tokens.verify(good)
            await pass_time(0.6)

    run(source, play)
    gaps = [
        late - early for early, late in zip(source.fetched_s, source.fetched_s[1:], strict=False)
    ]
    assert 2 <= len(source.fetched_s) <= 3
    assert min(gaps) >= APART_S_MIN


def test_a_new_key_is_known_within_30_s_of_its_first_token() -> None:
    source = Source(key_set("rsa"))

    async def play(tokens: Tokens) -> None:
        await pass_time(40)
        source.content = key_set("rsa", "rsa-new")
        kept = token()
        tokens.verify(kept)
        refused(tokens, token(kid="rsa-new"))
        await pass_time(0.1)
        assert tokens.verify(token(kid="rsa-new")).subject == "alice"
        assert tokens.find(kept) is not None

    run(source, play)


def test_a_key_that_was_taken_out_is_refused_within_5_minutes_also_for_known_tokens() -> None:
    source = Source(key_set("rsa", "rsa-new"))

    async def play(tokens: Tokens) -> None:
        sent = token()
        tokens.verify(sent)
        source.content = key_set("rsa-new")
        await pass_time(300)
        assert tokens.find(sent) is None
        assert "key is not known" in refused(tokens, sent).detail

    run(source, play)


def test_a_key_that_was_taken_out_is_refused_in_time_though_a_fetch_fails() -> None:
    source = Source(key_set("rsa", "rsa-new"))

    async def play(tokens: Tokens) -> None:
        sent = token()
        tokens.verify(sent)
        source.content = None
        await pass_time(REFRESH_S + 1)
        source.content = key_set("rsa-new")
        await pass_time(APART_S_MIN)
        assert tokens.find(sent) is None

    run(source, play)


def test_the_tokens_of_a_key_that_stays_stay_known() -> None:
    source = Source(key_set("rsa", "rsa-new"))

    async def play(tokens: Tokens) -> None:
        kept = token(kid="rsa-new")
        tokens.verify(kept)
        source.content = key_set("rsa-new")
        await pass_time(300)
        assert isinstance(tokens.find(kept), TokenClaims)

    run(source, play)


def test_a_bug_in_reading_keys_does_not_end_the_refreshing(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(key_set("rsa"))

    async def broken(*_: object) -> object:
        raise RuntimeError

    async def play(tokens: Tokens) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(asyncio, "to_thread", broken)
            await pass_time(REFRESH_S + 1)
        source.content = key_set("rsa", "rsa-new")
        await pass_time(APART_S_MIN)
        assert tokens.verify(token(kid="rsa-new"))

    run(source, play)


def test_another_key_under_the_same_id_makes_old_tokens_bad() -> None:
    source = Source(key_set("rsa"))

    async def play(tokens: Tokens) -> None:
        sent = token()
        tokens.verify(sent)
        source.content = json.dumps({"keys": [public_jwk("rsa-2", kid="rsa")]}).encode()
        await pass_time(300)
        assert "signature" in refused(tokens, sent).detail

    run(source, play)


@pytest.mark.parametrize("content", [None, b"", b'{"keys": []}', key_set("weak")])
def test_keys_are_kept_for_a_day_while_their_source_is_away_or_wrong(content: bytes | None) -> None:
    source = Source(key_set("rsa"))

    async def play(tokens: Tokens) -> None:
        source.content = content
        await pass_time(KEEP_S_MAX - 1)
        assert tokens.verify(token(exp=int(wall_s()) + 60, iat=int(wall_s())))
        await pass_time(2)
        with pytest.raises(KeysMissing):
            tokens.verify(token())
        source.content = key_set("rsa")
        await pass_time(REFRESH_S)
        assert tokens.verify(token(exp=int(wall_s()) + 60, iat=int(wall_s())))

    run(source, play)


def test_without_a_first_key_set_it_is_asked_for_every_30_s() -> None:
    source = Source(None)

    async def play(tokens: Tokens) -> None:
        with pytest.raises(KeysMissing):
            tokens.verify(token())
        await pass_time(95)
        source.content = key_set("rsa")
        await pass_time(APART_S_MIN)
        assert tokens.verify(token()).subject == "alice"

    run(source, play)
    assert len(source.fetched_s) == 5


@given(st.lists(st.integers(0, 30), max_size=200), st.integers(1, 12))
def test_the_memory_is_bounded_and_has_at_least_the_last_half(keys: list[int], most: int) -> None:
    memory: Generations[int] = Generations(most)
    for key in keys:
        memory.put(b"%d" % key, key)
        assert len(memory) <= max(2, most)
    for key in list(dict.fromkeys(reversed(keys)))[: most // 2]:
        assert memory.get(b"%d" % key) == key


def test_what_is_asked_for_stays() -> None:
    memory: Generations[int] = Generations(10)
    memory.put(b"kept", 0)
    for number in range(1_000):
        memory.put(b"%d" % number, number)
        assert memory.get(b"kept") == 0


def test_a_value_that_cannot_be_read_leaves_the_one_before() -> None:
    async def main() -> None:
        values: list[KeySet] = []
        source = Source(b"no keys")
        refreshed = Refreshed(
            Refresh(
                "keys_not_refreshed", source.fetch, lambda data: read_key_set(data, {"RS256"}), 60
            ),
            lambda _, value: values.append(value),
        )
        await refreshed.fetch()
        assert (refreshed.value, values) == (None, [])
        source.content = key_set("rsa")
        await refreshed.fetch()
        assert refreshed.value is values[0]

    run_virtual(main())


def revocations(*tokens: bytes, **users: str) -> bytes:
    """Return the platform's list: a filter of 4,096 bits, 7 for each token."""
    words = [0] * 64
    for sent in tokens:
        for at in bits_of(sent, 64 * 64, 7):
            words[at // 64] |= 1 << at % 64
    return json.dumps(
        {
            "revoked_tokens": {"bits": words, "k": 7, "m": 64 * 64},
            "revoked_users": [{"id": user, "revoked_at": at} for user, at in users.items()],
        }
    ).encode()


def test_the_filter_s_bits_are_those_that_guava_computes() -> None:
    expected = [3942, 6555, 9168, 2181, 4794, 7407, 420]
    assert bits_of(b"this_is_a_test_string", 9600, 7) == expected


def test_a_revoked_token_is_refused_within_a_minute_also_if_it_is_known() -> None:
    sent, other = token(), token(client_id="another")
    source = Source(revocations())

    async def play(tokens: Tokens) -> None:
        tokens.verify(sent)
        tokens.verify(other)
        source.content = revocations(sent)
        await pass_time(REVOCATIONS_S + 1)
        found = tokens.find(sent)
        assert isinstance(found, TokenRefused)
        assert "revoked" in found.detail
        assert "revoked" in refused(tokens, sent).detail
        assert not isinstance(tokens.find(other), TokenRefused)

    run(Source(key_set("rsa")), play, source)


def test_no_other_spelling_of_a_revoked_token_is_good() -> None:
    sent, rules = token(kid="ec"), RULES._replace(algorithms=frozenset({"ES256"}))
    signed, _, signature = sent.rpartition(b".")
    data = urlsafe_b64decode(signature + b"==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    twin = data[:32] + (order - int.from_bytes(data[32:])).to_bytes(32)
    other = signed + b"." + segment(twin)

    async def play(tokens: Tokens) -> None:
        for spelled in (sent, other):
            assert "revoked" in refused(tokens, spelled).detail
        assert tokens.verify(token("bob", kid="ec"))

    run(Source(key_set("ec")), play, Source(revocations(sent)), rules)


def test_of_a_revoked_user_the_tokens_until_then_are_refused() -> None:
    at = "2026-05-28T20:26:00Z"
    moment_s = read_rfc3339(at) / 1e3
    assert abs(moment_s - NOW_S) < 3_600
    before, after = int(moment_s), int(moment_s) + 1

    async def play(tokens: Tokens) -> None:
        assert "revoked" in refused(tokens, token(iat=before, exp=NOW_S + 3_600)).detail
        assert tokens.verify(token(iat=after, exp=NOW_S + 3_600))
        assert tokens.verify(token("bob", iat=before, exp=NOW_S + 3_600))

    run(Source(key_set("rsa")), play, Source(revocations(alice=at)))


@pytest.mark.parametrize(
    "content",
    [
        *(None, b"", b"[]", b"{}", b'{"revoked_tokens": {"bits": [-1], "k": 1}}'),
        b'{"revoked_tokens": {"bits": [1], "k": 65}}',
        b'{"revoked_tokens": {"bits": [], "k": 1}, "revoked_users": [{"id": "a"}]}',
        b'{"revoked_tokens":{"bits":[],"k":1},"revoked_users":[{"id":"a","revoked_at":"noon"}]}',
    ],
)
def test_without_the_list_that_was_asked_for_no_new_token_is_good(content: bytes | None) -> None:
    async def play(tokens: Tokens) -> None:
        with pytest.raises(KeysMissing):
            tokens.verify(token())
        assert not tokens.have_sources

    run(Source(key_set("rsa")), play, Source(content))


@pytest.mark.parametrize("content", [b'{"revoked_tokens":{"bits":[],"k":17,"m":0}}', revocations()])
def test_an_empty_list_revokes_nobody(content: bytes) -> None:
    async def play(tokens: Tokens) -> None:
        assert tokens.verify(token())
        assert tokens.have_sources

    run(Source(key_set("rsa")), play, Source(content))

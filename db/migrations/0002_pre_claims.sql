-- migrate:up
set local lock_timeout = '5s';

-- A reward that a player claimed: what is owed, and the outbox from which the provider is called.
-- It is written in the statement that marks the goal claimed, so there is never one without the other.
create table claim (
    claim_id        uuid        primary key,
    player          text        collate "C" not null,
    goal            text        collate "C" not null,
    period          text        collate "C" not null,
    challenge       text        not null,
    namespace       text        not null,
    reward_type     text        not null,
    reward_id       text        not null,
    reward_quantity integer     not null check (reward_quantity > 0),
    claimed_at      timestamptz not null,
    state           text        not null default 'pending'
                    check (state in ('pending', 'granted', 'refused', 'in_doubt')),
    attempt         integer     not null,
    attempts_before integer     not null default 0,
    leased          boolean     not null,
    uncertain       boolean     not null default false,
    due_at          timestamptz not null,
    error           text        check (length(error) <= 200),
    settled_at      timestamptz,
    erase           boolean     not null default false,
    unique (player, goal, period)
);
comment on table claim is 'rewards that were claimed; also the outbox of calls to the reward provider';
comment on column claim.claim_id is
    'made of player, goal and period, so the same claim has the same id; the provider''s Idempotency-Key';
comment on column claim.period is
    'first day of the period, with the letter of its schedule (w2026-03-02), or once';
comment on column claim.reward_type is 'the reward as the catalogue had it when it was claimed';
comment on column claim.claimed_at is 'the moment of the claim, as the goal''s facts have it';
comment on column claim.attempt is
    'how many calls were begun; a caller may write how its call ended only while this is its own number';
comment on column claim.attempts_before is
    'attempts that do not count any more, because a person asked for new ones';
comment on column claim.leased is 'a caller holds the newest attempt; after due_at it is taken for dead';
comment on column claim.uncertain is 'an attempt may have granted the reward without our knowing';
comment on column claim.due_at is
    'while pending: when the relay may take it, the end of a lease or the moment of the next attempt';
comment on column claim.error is 'what the last attempt that failed met';
comment on column claim.erase is
    'the player had his data deleted: the row goes as soon as it is granted or refused';

-- The relay looks for what is due. A granted claim is in none of these indexes.
create index claim_due on claim (due_at) where state = 'pending';
-- What a person has to look at.
create index claim_open on claim (state, claimed_at) where state in ('refused', 'in_doubt');
-- What a deletion left to be removed.
create index claim_erase on claim (claim_id) where erase;

-- Claims of players who had their data deleted. Only who has the secret and knows player, goal and
-- period can tell whether one is here; it is asked when the same claim is made again.
create table claim_erased (
    key       bytea       primary key check (length(key) = 32),
    erased_at timestamptz not null default clock_timestamp()
);
comment on column claim_erased.key is 'HMAC-SHA256 of the claim id under ERASURE_SECRET';

-- migrate:down
drop table claim_erased;
drop table claim;

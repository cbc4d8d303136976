-- migrate:up
set local lock_timeout = '5s';

-- Catalogues that were ever served, in order. Rows are never changed: players point to them.
create table catalogue_revision (
    revision     integer     primary key check (revision > 0),
    digest       bytea       not null unique check (length(digest) = 32),
    published_at timestamptz not null default clock_timestamp(),
    given        text[]      not null,
    identities   jsonb       not null
);
comment on column catalogue_revision.digest is 'SHA-256 of the content in canonical form';
comment on column catalogue_revision.given is 'ids of the goals given by default';
comment on column catalogue_revision.identities is
    'goal id: source, stat, mode and rotation, which never change under the same id';

-- What happened to each player, one row each. What he sees is computed from it; see db/README.md.
create table player (
    player     text collate "C" primary key check (length(player) between 1 and 100),
    since      timestamptz not null,
    changed_at timestamptz not null,
    version    integer     not null,
    format     smallint    not null,
    answered   smallint    not null,
    given      bytea       not null,
    stats      bytea,
    goals      bytea
) with (fillfactor = 75, toast_tuple_target = 512);
comment on column player.since is 'when the row was made';
comment on column player.changed_at is
    'newest clock that a write of this row used; the next write''s is never earlier';
comment on column player.version is '+1 per write';
comment on column player.format is 'layout number of given, stats and goals (MessagePack)';
comment on column player.answered is 'how many entries of given an initialize has reported as new';
comment on column player.given is
    '[[catalogue revision, instant in ms], ...]: each time that defaults were given';
comment on column player.stats is 'source and stat code: facts';
comment on column player.goals is 'goal id: facts, of goals that were decided, completed or claimed';

-- migrate:down
drop table player;
drop table catalogue_revision;

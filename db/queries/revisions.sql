-- revisions_find: SELECT catalogue_revision
-- The revision of this content, if it is registered, and the newest revision (0: none).
select max(revision) filter (where digest = $1) as revision, coalesce(max(revision), 0) as newest
from catalogue_revision;

-- revisions_identities: SELECT catalogue_revision
-- What each goal that ever was in a catalogue is; goals never change this.
select distinct on (goal) goal, identity
from catalogue_revision, jsonb_each_text(identities) as each (goal, identity)
order by goal, revision;

-- revisions_insert: INSERT catalogue_revision
-- Register a catalogue under the next number, unless another one or the same took it meanwhile.
insert into catalogue_revision (revision, digest, given, identities, targets)
values ($1, $2, $3, $4, $5)
on conflict do nothing
returning revision;

-- revisions_newest: SELECT catalogue_revision
-- The newest catalogue: its goals, which of them it gives by default, and their targets (null: not known).
select revision, given, array(select jsonb_object_keys(identities)) as goals, targets
from catalogue_revision order by revision desc limit 1;

-- revisions_lacking: SELECT catalogue_revision
-- How many goals of earlier catalogues are not among these, and how many of them were given by default; none if nobody plays yet.
with lacking as materialized (
    select jsonb_object_keys(identities) as goal from catalogue_revision
    except
    select unnest($1::text[])
), given as materialized (
    select distinct unnest(given) as goal from catalogue_revision
)
select count(*) as goals, count(given.goal) as given
from lacking left join given on given.goal = lacking.goal
where exists (select from player);

-- revisions_given: SELECT catalogue_revision
-- Which goals these revisions give by default.
select revision, given from catalogue_revision where revision = any($1);

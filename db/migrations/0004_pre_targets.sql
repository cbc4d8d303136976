-- migrate:up
set local lock_timeout = '5s';

-- So that a change of targets can be told before it is served. Releases before this one left it out.
alter table catalogue_revision add column targets jsonb;
comment on column catalogue_revision.targets is
    'goal id: target; null in rows of releases that did not write it';

-- migrate:down
alter table catalogue_revision drop column targets;

-- claims_make: INSERT claim
-- Mark a goal claimed and record the claim, both or neither: only if the player's row is still the one that was read and the key is not that of an erased claim. A row that was deleted and made again can have the old version, but not the old beginning.
with erased as materialized (
    select from claim_erased where key = $6
), marked as (
    update player set version = version + 1, changed_at = $4, goals = $5
    where player = $1 and version = $2 and since = $3 and not exists (select from erased)
    returning player
), made as (
    insert into claim (
        claim_id, player, goal, period, challenge, namespace,
        reward_type, reward_id, reward_quantity, claimed_at, attempt, leased, due_at
    )
    select $7, player, $8, $9, $10, $11, $12, $13, $14, $15,
           case when $16::interval is null then 0 else 1 end, $16 is not null,
           now() + coalesce($16, interval '0')
    from marked
    returning claim_id
)
select exists (select from made) as made, exists (select from erased) as erased;

-- claims_find: SELECT claim
-- The claim of this id, to learn whether a commit whose answer was lost took place.
select player, claimed_at from claim where claim_id = $1;

-- claims_lock_player: SELECT player
-- Lock a player's row before a claim is taken out of its goals.
select format, goals from player where player = $1 for no key update;

-- claims_unmake: DELETE claim
-- Forget a claim that the provider refused, if the caller still holds its newest attempt.
delete from claim where claim_id = $1 and attempt = $2 and state = 'pending' returning erase;

-- claims_forget_key: DELETE claim_erased
-- Let a claim that was undone be made again, although its player's data were deleted meanwhile.
delete from claim_erased where key = $1;

-- claims_release: UPDATE claim
-- Give back the right to call, under which nobody called: no try is used up, and nothing is uncertain.
update claim
set leased = false, due_at = now(), attempts_before = least(attempt, attempts_before + 1)
where claim_id = $1 and attempt = $2 and claimed_at = $3 and leased and state = 'pending';

-- claims_restore_player: UPDATE player
-- Write a locked player's goals without the claim.
update player set version = version + 1, goals = $2 where player = $1;

-- claims_lease: UPDATE claim
-- Take claims that are due, oldest first, leaving out what others have locked; a lease that ran out leaves open how its call ended.
with due as materialized (
    select claim_id from claim where state = 'pending' and due_at <= now()
    order by due_at limit $1 for no key update skip locked
)
update claim
set attempt = attempt + 1, uncertain = uncertain or leased, leased = true, due_at = now() + $2
from due
where claim.claim_id = due.claim_id
returning claim.claim_id, player, goal, period, challenge, namespace, reward_type, reward_id,
          reward_quantity, claimed_at, attempt, attempts_before, uncertain;

-- claims_settle: UPDATE claim
-- Write how an attempt ended, if it is still the newest; a grant is true whichever attempt heard of it.
update claim
set state = $3, error = $4, due_at = now() + $5, uncertain = $6, leased = false,
    attempts_before = case when $7 then attempts_before else least(attempt, attempts_before + 1) end,
    settled_at = case when $3 = 'pending' then null else clock_timestamp() end
where claim_id = $1 and state <> 'granted' and ($3 = 'granted' or (attempt = $2 and state = 'pending'))
returning erase;

-- claims_sweep: DELETE claim
-- Remove deleted players' claims that are settled by now.
delete from claim where claim_id in (
    select claim_id from claim where erase and state in ('granted', 'refused')
    order by claim_id limit $1 for update skip locked
)
returning claim_id;

-- claims_count_open: SELECT claim
-- How many claims are not granted, by state.
select state, count(*) as number from claim where state = 'pending' group by state
union all
select state, count(*) from claim where state in ('refused', 'in_doubt') group by state;

-- claims_count_open_by_goal: SELECT claim
-- How many claims are not granted, by goal.
select goal, count(*) as number from claim where state = 'pending' group by goal
union all
select goal, count(*) from claim where state in ('refused', 'in_doubt') group by goal;

-- claims_in_state: SELECT claim
-- Claims of one state other than granted for a person to look at, oldest first.
select claim_id, player, goal, period, challenge, namespace, reward_type, reward_id, reward_quantity,
       claimed_at, state, attempt, leased, uncertain, due_at, error, settled_at, erase
from claim where state = $1 order by claimed_at, claim_id limit $2;

-- claims_of_player: SELECT claim
-- One player's claims for a person to look at, oldest first.
select claim_id, player, goal, period, challenge, namespace, reward_type, reward_id, reward_quantity,
       claimed_at, state, attempt, leased, uncertain, due_at, error, settled_at, erase
from claim where player = $1 order by claimed_at, claim_id limit $2;

-- claims_decide: UPDATE claim
-- Write what a person decided about a claim that is not granted; pending: the attempts count anew.
update claim
set state = $2, attempts_before = attempt, uncertain = uncertain or leased, leased = false,
    due_at = clock_timestamp(),
    settled_at = case when $2 = 'pending' then null else clock_timestamp() end
where claim_id = $1 and state <> 'granted'
returning erase;

-- claims_retry: UPDATE claim
-- Ask anew for claims of one state that a person looked into, the oldest first: their attempts count anew.
with chosen as materialized (
    select claim_id from claim where state = $1 and state in ('refused', 'in_doubt')
    order by claimed_at, claim_id limit $2 for no key update skip locked
)
update claim
set state = 'pending', attempts_before = attempt, due_at = clock_timestamp(), settled_at = null
from chosen where claim.claim_id = chosen.claim_id
returning claim.claim_id;

-- erasure_remove_player: DELETE player
-- Remove a player's row, which also keeps every claim of theirs from being made until the end of the transaction.
delete from player where player = $1 returning player;

-- erasure_lock_claims: SELECT claim
-- Lock a player's claims, in ascending order.
select claim_id from claim where player = $1 order by claim_id for update;

-- erasure_write: DELETE claim
-- Keep the keys of a player's locked claims, remove those that are settled, and mark the others to go when they are.
with keys as (
    insert into claim_erased (key)
    select key from unnest($2::bytea[]) as new (key) order by key
    on conflict do nothing
), removed as (
    delete from claim where player = $1 and state in ('granted', 'refused') returning claim_id
), kept as (
    update claim set erase = true
    where player = $1 and state in ('pending', 'in_doubt') returning claim_id
)
select (select count(*) from removed) as removed, (select count(*) from kept) as kept;

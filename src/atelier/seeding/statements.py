"""The SQL that makes the rows.

Both databases compute the same numbers from the same seed, so that nothing has to be carried from
one to the other: `chance(n, k)` is the k-th random number of order n, evenly from 0 to 1.
Temporary tables hold what the rows are made of: `seed_way`, `seed_step`, `seed_model`, `seed_quote`
(filled by COPY), and `seed_order`, one row an order.
"""

from __future__ import annotations

from typing import Final, LiteralString

TABLES: Final[LiteralString] = """
CREATE TEMPORARY TABLE seed_way (
    way int PRIMARY KEY, source text, states text[], share_from float8, share_to float8,
    last_hour float8, confirmed_hour float8, ends_early bool, active_rank int
) ON COMMIT DROP;
CREATE TEMPORARY TABLE seed_step (
    way int, step int, before text, after text, hour float8, early bool, factory_step int,
    actor text, reason text
) ON COMMIT DROP;
CREATE TEMPORARY TABLE seed_model (
    model int PRIMARY KEY, name text, checksum text, bytes int, triangles int
) ON COMMIT DROP;
CREATE TEMPORARY TABLE seed_quote (
    model int, metal text, finish text, volume numeric, weight numeric, metal_cost numeric,
    making numeric, finish_cost numeric, total numeric, density numeric, price_per_gram numeric,
    metal_price int, making_of_any numeric, making_per_gram numeric, formula int
) ON COMMIT DROP;
"""

FUNCTIONS: Final[LiteralString] = """
CREATE FUNCTION pg_temp.chance(n bigint, k bigint) RETURNS float8 IMMUTABLE PARALLEL SAFE
LANGUAGE sql AS $$
    SELECT (hashint8extended(n, k + {seed}::bigint * 1000) & 1073741823) / 1073741824.0::float8
$$;
CREATE FUNCTION pg_temp.id(kind text, n bigint) RETURNS uuid IMMUTABLE PARALLEL SAFE
LANGUAGE sql AS $$ SELECT md5(kind || n || ':' || {seed}::text)::uuid $$;
"""

# Order n = 0 is the newest. Of the newest ones four in five are active work, until there are
# enough; all others have ended, or were never more than looked at. The number is n written with the
# 23 signs of an order number, scattered over all numbers of six signs: 86,028,121 is no multiple
# of 23, so no two are the same.
_NUMBER: LiteralString = " || ".join(
    f"substr('2346789CDFGHJKMNPQRTVWX', 1 + (scattered / {23**place} % 23)::int, 1)"
    for place in range(6)
)

ORDERS: Final[LiteralString] = (
    """
CREATE TEMPORARY TABLE seed_order ON COMMIT DROP AS
WITH drawn AS (
    SELECT n, n - n / 5 AS place, n % 5 <> 4 AND n - n / 5 < {active} AS active,
        CASE WHEN pg_temp.chance(n, 1) < 0.6 THEN 'shop' ELSE 'partner' END AS source,
        {at}::timestamptz - (n + pg_temp.chance(n, 2)) * {spacing} * interval '1 second' AS created,
        (n * 86028121 + {seed}) % 148035889 AS scattered, pg_temp.chance(n, 6) AS luck
    FROM generate_series(0::bigint, {orders} - 1) AS n
), ranked AS (
    SELECT *, CASE WHEN active THEN width_bucket(
        greatest(0, least(0.999999,
            place::float8 / greatest({active}, 1) + (pg_temp.chance(n, 3) - 0.5) * 0.2)),
        {bounds}::float8[]) END AS active_rank
    FROM drawn
), lived AS (
    SELECT ranked.*, way.way, way.states, way.last_hour, way.confirmed_hour, way.ends_early,
        0.5 + pg_temp.chance(n, 4) * 1.2 AS pace
    FROM ranked JOIN seed_way AS way ON way.source = ranked.source AND CASE WHEN active
        THEN way.active_rank = ranked.active_rank
        ELSE luck >= way.share_from AND luck < way.share_to END
), ended AS (
    -- The last step was when its hours had passed; for active work lately.
    SELECT *, CASE WHEN active
        THEN {at}::timestamptz - least(
            pg_temp.chance(n, 7) * interval '40 hours', ({at}::timestamptz - created) * 0.5)
        ELSE created + least(
            last_hour * pace * interval '1 hour', ({at}::timestamptz - created) * 0.95)
        END AS ended
    FROM lived
), paced AS (
    SELECT *, least(pace, extract(epoch FROM ended - created)::float8 / 3600
        / greatest(last_hour, 0.000001)) AS hours,
        floor(pg_temp.chance(n, 8) ^ CASE source WHEN 'shop' THEN 1 ELSE 2 END
            * CASE source WHEN 'shop' THEN {customers} ELSE {partners} END)::int AS owner
    FROM ended
)
SELECT n, pg_temp.id('order', n) AS id, source, way, active, created, ended, last_hour,
    states[cardinality(states)] AS state, cardinality(states) AS steps, hours,
    CASE WHEN ends_early THEN created + last_hour * hours * interval '1 hour' ELSE ended END
        AS updated,
    ended - (last_hour - confirmed_hour) * hours * interval '1 hour' + interval '{days} days'
        AS promised,
    'AT-' || """
    + _NUMBER
    + """ AS number,
    pg_temp.id(CASE source WHEN 'shop' THEN 'customer' ELSE 'partner' END, owner) AS owner,
    CASE source WHEN 'shop' THEN 'customer:' ELSE 'partner:' END
        || pg_temp.id(CASE source WHEN 'shop' THEN 'customer' ELSE 'partner' END, owner)
        AS owner_actor,
    pg_temp.id('seller', floor(pg_temp.chance(n, 9) * {sellers})::int) AS seller,
    pg_temp.id('operator', floor(pg_temp.chance(n, 10) * {operators})::int) AS operator,
    floor(pg_temp.chance(n, 5) ^ 2 * {models})::int AS model,
    (ARRAY['gold-585', 'silver-925', 'gold-750', 'platinum-950'])[
        width_bucket(pg_temp.chance(n, 11), ARRAY[0, 0.45, 0.75, 0.92]::float8[])] AS metal,
    (ARRAY['polished', 'satin', 'sandblasted', 'hammered'])[
        width_bucket(pg_temp.chance(n, 12), ARRAY[0, 0.6, 0.8, 0.9]::float8[])] AS finish,
    states && ARRAY['FILE_UPLOADED', 'SUBMITTED'] AS has_model,
    'SUBMITTED' = ANY (states) AS submitted, 'PRICE_CALCULATED' = ANY (states) AS priced,
    'PRICING_FAILED' = ANY (states) AS failed, 'SHIPPED' = ANY (states) AS shipped,
    'MANUFACTURING_STARTED' = ANY (states) AS taken, 'CONFIRMED' = ANY (states) AS confirmed,
    'MANUFACTURING_APPROVED' = ANY (states) AS approved,
    'DE' || 100000000 + (n * 7919 + {seed}) % 900000000 AS tracking
FROM paced
"""
)

FAILURE: Final[LiteralString] = (
    "The surface of the model is not closed, so it has no volume. Please close its holes in your "
    "3D program and export it again."
)

_ADDRESS: LiteralString = """jsonb_build_object(
            'recipient', ({first_names}::text[])[1 + floor(pg_temp.chance(n, 13) * {first})] || ' '
                || ({last_names}::text[])[1 + floor(pg_temp.chance(n, 14) * {last})],
            'line1', 'Gartenstraße ' || 1 + n % 190, 'line2', NULL,
            'postal_code', (ARRAY['04109', '10115', '20095', '50667', '80331'])[1 + n % 5],
            'city', (ARRAY['Leipzig', 'Berlin', 'Hamburg', 'Köln', 'München'])[1 + n % 5],
            'region', NULL, 'country', 'DE', 'telephone', NULL)"""

_STEPS: LiteralString = """
    SELECT o.*, step.step, step.factory_step, step.before, step.after, step.reason,
        md5(o.n || '/' || step.step || ':' || {seed}::text)::uuid AS event,
        CASE step.actor WHEN 'owner' THEN o.owner_actor WHEN 'seller' THEN 'seller:' || o.seller
            WHEN 'operator' THEN 'operator:' || o.operator ELSE step.actor END AS actor,
        CASE step.actor WHEN 'operator' THEN ({operator_names}::text[])[
            1 + floor(pg_temp.chance(o.n, 10) * {operators})::int] END AS actor_name,
        CASE WHEN step.early THEN o.created + step.hour * o.hours * interval '1 hour'
            ELSE o.ended - (o.last_hour - step.hour) * o.hours * interval '1 hour' END AS at
    FROM seed_order AS o JOIN seed_step AS step USING (way)
"""

SHOP: Final[tuple[LiteralString, ...]] = (
    """
    INSERT INTO customer (id, email, name, language, password_hash, created_at, confirmed_at)
    SELECT pg_temp.id('customer', n), 'customer-' || n + 1 || '@example.com',
        ({first_names}::text[])[1 + floor(pg_temp.chance(n, 21) * {first})] || ' '
            || ({last_names}::text[])[1 + floor(pg_temp.chance(n, 22) * {last})],
        CASE WHEN pg_temp.chance(n, 23) < 0.7 THEN 'en' ELSE 'ru' END, {password_hash},
        {at}::timestamptz - {spacing} * {orders} * interval '1 second',
        {at}::timestamptz - {spacing} * {orders} * interval '1 second'
    FROM generate_series(0::bigint, {customers} - 1) AS n
    """,
    """
    INSERT INTO seller (id, email, name, password_hash)
    SELECT pg_temp.id('seller', n - 1), lower(name) || '@example.com', name, {password_hash}
    FROM unnest({seller_names}::text[]) WITH ORDINALITY AS seller (name, n)
    """,
    """
    INSERT INTO partner (id, name)
    SELECT pg_temp.id('partner', n - 1), name
    FROM unnest({partner_names}::text[]) WITH ORDINALITY AS partner (name, n)
    """,
    """
    INSERT INTO "order" (
        id, number, customer_id, partner_id, reference, state, metal, finish, model_checksum,
        model_name, model_bytes, price, metal_cost, making_cost, finish_cost, volume_mm3, weight_g,
        failure_code, failure, promised_at, tracking_number, sequence, created_at, updated_at,
        address, address_version)
    SELECT o.id, o.number, CASE source WHEN 'shop' THEN owner END,
        CASE source WHEN 'partner' THEN owner END,
        CASE source WHEN 'partner' THEN 'PO-' || 10000 + n END, state,
        CASE WHEN submitted THEN o.metal END, CASE WHEN submitted THEN o.finish END,
        CASE WHEN has_model THEN checksum END, CASE WHEN has_model THEN name END,
        CASE WHEN has_model THEN bytes END, total, metal_cost, making, finish_cost, volume, weight,
        CASE WHEN failed THEN 'open-surface' END, CASE WHEN failed THEN {failure} END,
        promised, CASE WHEN shipped THEN tracking END, steps, created, updated,
        CASE WHEN confirmed THEN """
    + _ADDRESS
    + """ END, CASE WHEN confirmed THEN 1 ELSE 0 END
    FROM seed_order AS o JOIN seed_model USING (model)
    LEFT JOIN seed_quote AS q
        ON priced AND q.model = o.model AND q.metal = o.metal AND q.finish = o.finish
    """,
    """
    INSERT INTO order_history (
        order_id, sequence, from_state, to_state, actor, actor_name, event_id, occurred_at, reason)
    SELECT id, step, before, after, actor, actor_name, event, at, reason FROM (
    """
    + _STEPS
    + ") AS step",
)

MES: Final[tuple[LiteralString, ...]] = (
    """
    INSERT INTO operator (id, email, name, password_hash)
    SELECT pg_temp.id('operator', n - 1), lower(name) || '@example.com', name, {password_hash}
    FROM unnest({operator_names}::text[]) WITH ORDINALITY AS operator (name, n)
    """,
    """
    INSERT INTO work_order (
        order_id, number, state, sequence, order_sequence, metal, finish, model_checksum,
        model_name, price, source, operator_id, promised_at, tracking_number, created_at,
        updated_at, address, address_version)
    SELECT o.id, o.number, state, CASE source WHEN 'shop' THEN steps - 2 ELSE steps END, steps,
        o.metal, o.finish, checksum, name, total, source, CASE WHEN taken THEN operator END,
        promised, CASE WHEN shipped THEN tracking END,
        created + CASE source WHEN 'shop' THEN 0.15 ELSE 0 END * hours * interval '1 hour', updated,
        CASE WHEN approved THEN """
    + _ADDRESS
    + """ END, CASE WHEN approved THEN 1 ELSE 0 END
    FROM seed_order AS o JOIN seed_model USING (model)
    LEFT JOIN seed_quote AS q
        ON priced AND q.model = o.model AND q.metal = o.metal AND q.finish = o.finish
    WHERE submitted
    """,
    """
    INSERT INTO work_order_history (
        order_id, sequence, from_state, to_state, actor, event_id, occurred_at, reason)
    SELECT id, factory_step, CASE WHEN factory_step > 1 THEN before END, after, actor, event, at,
        reason FROM (
    """
    + _STEPS
    + " WHERE submitted AND step.factory_step > 0) AS step",
    """
    INSERT INTO calculation (
        order_id, model_checksum, metal, triangles, volume_mm3, weight_g, metal_cost, making,
        finish, total, density, price_per_gram, metal_price_id, making_of_any, making_per_gram,
        finish_code, formula, failure_code, failure, calculated_at)
    SELECT o.id, checksum, o.metal, CASE WHEN priced THEN triangles END, volume, weight, metal_cost,
        making, finish_cost, total, density, price_per_gram, metal_price, making_of_any,
        making_per_gram, CASE WHEN priced THEN o.finish END, formula,
        CASE WHEN failed THEN 'open-surface' END, CASE WHEN failed THEN {failure} END,
        created + 0.17 * hours * interval '1 hour'
    FROM seed_order AS o JOIN seed_model USING (model)
    LEFT JOIN seed_quote AS q
        ON priced AND q.model = o.model AND q.metal = o.metal AND q.finish = o.finish
    WHERE priced OR failed
    """,
)

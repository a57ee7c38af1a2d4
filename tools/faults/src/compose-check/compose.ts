import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { StackError } from '@countersign/stack';

/** How a command ended, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly said: string;
}

export interface ComposeOptions {
  /** The folder of docker-compose.yml. */
  readonly root: string;
  /** Name of the project, so that it can run next to others. */
  readonly project: string;
  /** A folder of this machine in which the command line reads and writes files. */
  readonly files: string;
  readonly environment: Readonly<Record<string, string>>;
}

const READY_MS = 300_000;
const CHECK_EVERY_MS = 2_000;

async function run(command: readonly string[], options: Pick<ComposeOptions, 'root' | 'environment'>): Promise<Ended> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: options.root,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, said] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise<number | null>((done) => {
    child.once('close', done).once('error', () => {
      done(null);
    });
  });
  return { code, out, said };
}

/** A project of docker compose, by the plug-in or by the older `docker-compose`. */
export class Compose {
  private constructor(
    private readonly options: ComposeOptions,
    private readonly program: readonly string[],
  ) {}

  /** @throws {StackError} where this machine has no engine that answers, or no compose */
  static async find(options: ComposeOptions): Promise<Compose> {
    const works = async (...command: readonly string[]): Promise<boolean> => (await run(command, options)).code === 0;
    if (!(await works('docker', 'info')))
      throw new StackError('Docker is not available: install it, start its engine, and give this user access to it.');
    if (await works('docker', 'compose', 'version')) return new Compose(options, ['docker', 'compose']);
    if (await works('docker-compose', 'version')) return new Compose(options, ['docker-compose']);
    throw new StackError(
      'Docker is installed, but neither its plug-in `compose` nor `docker-compose` is: install one of them.',
    );
  }

  /** Runs a compose command, whatever its outcome. */
  try(...args: readonly string[]): Promise<Ended> {
    return run([...this.program, '--project-name', this.options.project, ...args], this.options);
  }

  /** @returns what it printed @throws {StackError} when it fails */
  async do(...args: readonly string[]): Promise<string> {
    const { code, out, said } = await this.try(...args);
    if (code === 0) return out;
    const last = `${out}\n${said}`.trim().split('\n').slice(-20).join('\n');
    throw new StackError(`${[...this.program, ...args].join(' ')} ended with ${String(code)}:\n${last}`);
  }

  /** The command line in its container, in the folder for files. */
  countersign(...args: readonly string[]): Promise<Ended> {
    return this.try('run', '--rm', '-T', '-v', `${this.options.files}:/files`, '-w', '/files', 'cli', ...args);
  }

  async containers(service: string): Promise<readonly string[]> {
    return (await this.do('ps', '-q', service)).split('\n').filter((id) => id !== '');
  }

  /** Waits until every container of these services is healthy. @throws {StackError} naming the one that is not */
  async healthy(services: readonly string[]): Promise<void> {
    const deadline = Date.now() + READY_MS;
    for (const service of services)
      for (const id of await this.containers(service))
        while ((await this.docker('inspect', '--format', '{{.State.Health.Status}}', id)).out.trim() !== 'healthy') {
          if (Date.now() > deadline)
            throw new StackError(`${service} is not healthy:\n${await this.do('logs', '--tail', '20', service)}`);
          await delay(CHECK_EVERY_MS);
        }
  }

  docker(...args: readonly string[]): Promise<Ended> {
    return run(['docker', ...args], this.options);
  }
}

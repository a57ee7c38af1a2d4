import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepared, run } from './command.js';
import { CannotBeHad, failed, notRun, passed, type Outcome } from './outcome.js';
import { springProgram } from './spring-program.js';

const programs = fileURLToPath(new URL('../programs', import.meta.url));

/** A program that verifies tokens with a library of another language: `good TOKEN` and `bad TOKEN`, line by line. */
interface Verifier {
  readonly name: string;
  /** Fetches and builds it, in its own folder in the cache. @returns how it is run, and which version of the library it has */
  prepare(
    folder: string,
    cache: string,
  ): Promise<{ readonly command: readonly [string, ...string[]]; readonly version: string }>;
}

/** The version that a file names behind some text. */
function versionIn(path: string, before: RegExp): string {
  const [, version = 'unknown'] = new RegExp(`${before.source}([\\w.+-]+)`).exec(readFileSync(path, 'utf8')) ?? [];
  return version;
}

const authlib: Verifier = {
  name: 'Authlib (Python)',
  async prepare(folder) {
    await prepared('python3', ['-m', 'venv', folder]);
    const python = join(folder, 'bin', 'python');
    await prepared(python, ['-m', 'pip', 'install', '--quiet', 'authlib>=1.6,<2', 'cryptography']);
    const version = await prepared(python, ['-c', 'import authlib; print(authlib.__version__)']);
    return { command: [python, join(programs, 'authlib', 'verify.py')], version: version.split('\n').at(-1) ?? '' };
  },
};

const goOidc: Verifier = {
  name: 'go-oidc (Go)',
  async prepare(folder) {
    const cwd = join(programs, 'go-oidc');
    const program = join(folder, 'go-oidc');
    await prepared('go', ['build', '-o', program, '.'], { cwd });
    return { command: [program], version: versionIn(join(cwd, 'go.mod'), /coreos\/go-oidc\/v3 v/) };
  },
};

const jsonwebtoken: Verifier = {
  name: 'jsonwebtoken (Rust)',
  async prepare(folder) {
    const cwd = join(programs, 'jsonwebtoken');
    await prepared('cargo', ['build', '--quiet', '--locked', '--target-dir', folder], { cwd, timeoutMs: 900_000 });
    const version = versionIn(join(cwd, 'Cargo.lock'), /name = "jsonwebtoken"\nversion = "/);
    return { command: [join(folder, 'debug', 'interop')], version };
  },
};

/** A service of Spring's, by Spring's rules for RFC 9068, asked over HTTP. */
const springResourceServer: Verifier = {
  name: 'Spring resource server',
  async prepare(_folder, cache) {
    const { jar, version } = await springProgram(cache);
    const settings = ['--server.address=127.0.0.1', '--server.port=0', '--spring.main.banner-mode=off'];
    return { command: ['java', '-Xmx400m', '-jar', jar, 'resource-server', ...settings], version };
  },
};

export const verifiers: readonly Verifier[] = [springResourceServer, authlib, goOidc, jsonwebtoken];

export interface Tokens {
  readonly issuer: string;
  readonly audience: string;
  readonly good: readonly string[];
  readonly bad: readonly string[];
}

/** A verifier that is fetched and built. */
export interface ReadyVerifier {
  readonly name: string;
  readonly version: string;
  readonly command: readonly [string, ...string[]];
}

/** Fetches and builds a verifier. @returns why it was not run, where it cannot be had */
export async function prepareVerifier(verifier: Verifier, cache: string): Promise<ReadyVerifier | Outcome> {
  const { name } = verifier;
  try {
    const folder = join(cache, name.replace(/\W.*$/, ''));
    mkdirSync(folder, { recursive: true });
    return { name, ...(await verifier.prepare(folder, cache)) };
  } catch (error) {
    if (error instanceof CannotBeHad) return notRun(name, '', error.message);
    throw error;
  }
}

/** Has another library verify our tokens: it must accept the good and refuse the bad ones. */
export async function verifyOurs({ name, version, command }: ReadyVerifier, tokens: Tokens): Promise<Outcome> {
  const [file, ...args] = command;
  const jwksUrl = `${tokens.issuer}/.well-known/jwks.json`;
  const lines = [...tokens.good.map((token) => `good ${token}`), ...tokens.bad.map((token) => `bad ${token}`)];
  try {
    const { ok, output } = await run(file, args, {
      input: `${lines.join('\n')}\n`,
      env: {
        ISSUER: tokens.issuer,
        AUDIENCE: tokens.audience,
        JWKS_URL: jwksUrl,
        JWKS: await (await fetch(jwksUrl)).text(),
      },
    });
    const counts = `${String(tokens.good.length)} of our tokens accepted, ${String(tokens.bad.length)} invalid ones refused`;
    return ok ? passed(name, version, counts) : failed(name, version, output.split('\n').slice(-3).join(' '));
  } catch (error) {
    if (error instanceof CannotBeHad) return notRun(name, version, error.message);
    throw error;
  }
}

import { spawn } from 'node:child_process';
import { type Command } from 'commander';
import { printable, say } from '../output.js';
import { openSession } from '../session/session.js';
import { byBrowser } from './code-flow.js';
import { byDevice } from './device-flow.js';
import { LoginFile } from '../person/kept-login.js';
import { logIn, logOut, whoIsLoggedIn } from './login.js';
import { loginScope } from './scopes.js';

interface LoginOptions {
  readonly application: string;
  readonly audience?: string;
  readonly scope: readonly string[];
  readonly again: boolean;
  readonly device: boolean;
  readonly browser: boolean;
}

const openers: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** Opens the browser, if there is one; the URL is printed anyway. */
function openBrowser(url: string): void {
  const [program, ...args] = openers[process.platform] ?? ['xdg-open'];
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}

async function runLogin(options: LoginOptions, command: Command): Promise<void> {
  const { output, ...session } = openSession(command);
  const address = session.issuer();
  const { application: clientId, audience, scope, again, device, browser } = options;
  const request = { clientId, audience, scope: loginScope(audience, scope), again };
  const file = new LoginFile(address.issuer, audience);
  await logIn(address, request, file, (key) =>
    device
      ? byDevice(address, request, key, ({ verification_uri, user_code }) => {
          say(`Open ${verification_uri} in any browser and enter the code ${user_code}`);
        })
      : byBrowser(address, request, key, (url) => {
          say(`Log in with your browser:\n${url}`);
          if (browser) openBrowser(url);
        }),
  );
  const person = await whoIsLoggedIn(address, file);
  const value = { ok: true, issuer: address.issuer, person: person.id, name: person.name ?? null, scope: person.scope };
  output.result(value, `Logged in as ${printable(person.name ?? person.id)}.`);
}

async function runLogout(_options: object, command: Command): Promise<void> {
  const { output, ...session } = openSession(command);
  const address = session.issuer();
  let ended = false;
  for (const file of await LoginFile.all(address.issuer)) ended = (await logOut(address, file)) || ended;
  output.result({ ok: true, ended }, ended ? 'Logged out.' : 'Nobody was logged in.');
}

/** `countersign login` and `countersign logout`: a person at this terminal. */
export function register(program: Command): void {
  program
    .command('login')
    .summary('log in as a person')
    .description(
      'Logs you in at the issuer through your browser, and keeps the login in a file that only you can read.\n' +
        'Commands with --person then act as you at the service that you logged in for; the audit trail names you.\n' +
        'Without --person they authenticate as a client. countersign whoami --person shows who is logged in.',
    )
    .option('--device', 'show a code to enter in a browser on any device', false)
    .option('--no-browser', 'print the address instead of opening a browser')
    .option('--application <id>', 'the public client to log in with', 'countersign-cli')
    .option('--audience <name>', 'the service that commands may use on your behalf (default: none, only your identity)')
    .option('--scope <scopes...>', 'the scopes to allow at that service (default: those the commands need)', [])
    .option('--again', 'sign in again, for commands that need a recent sign-in', false)
    .addHelpText(
      'after',
      `
Examples:
  countersign login
  countersign login --audience payments
  countersign login --audience audit --scope audit:read:own --device`,
    )
    .action(runLogin);
  program
    .command('logout')
    .summary('log out, and end everything the login allowed')
    .description(
      'Ends all logins of this issuer and everything that they allowed, at the issuer and in the files on this machine.',
    )
    .addHelpText(
      'after',
      `
Examples:
  countersign logout`,
    )
    .action(runLogout);
}

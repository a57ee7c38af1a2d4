import { type Command } from 'commander';
import { z } from 'zod';
import { CheckFailed, CliError, ExitCode } from '../cli-error.js';
import { counted } from '../counted.js';
import { printable, table } from '../output.js';
import { findLocalStack } from '../session/local-stack.js';
import { openSession } from '../session/session.js';
import { type Finding } from './finding.js';
import { localLeftovers } from './local-leftovers.js';
import { askServices, serviceNames, type AskedService } from './services.js';
import { askWithTokens, type NotAsked } from './trail-and-keys.js';

const optionsSchema = z.object({
  database: z.array(z.url({ protocol: /^postgres(ql)?$/, error: '--database must be a postgres:// URL' })).default([]),
  stack: z.string().optional(),
});

interface Report {
  readonly ok: boolean;
  readonly services: readonly AskedService[];
  readonly databases: number;
  readonly findings: readonly Finding[];
  readonly not_asked: readonly NotAsked[];
}

/** The text for people: who was asked, what there is to do, and what could not be examined. */
export function textOf({ services, databases, findings, not_asked: notAsked }: Report): string {
  const asked = services.map(({ service, url, status }) => [service, status, url]);
  const parts = [
    table(['service', 'status', 'url'], asked, 'there is nothing to check'),
    counted(databases, 'database'),
  ];
  parts.push(
    findings.length === 0
      ? 'All well.'
      : findings
          .map(({ code, where, what, to_do }) =>
            [`${code}  ${where}`, `  ${what}`, `  To do: ${to_do}`].map(printable).join('\n'),
          )
          .join('\n\n'),
  );
  if (notAsked.length > 0)
    parts.push(
      table(
        ['not checked', 'why'],
        notAsked.map(({ check, reason }) => [check, reason]),
      ),
    );
  return parts.join('\n\n');
}

async function run(_: object, command: Command): Promise<void> {
  const parsed = optionsSchema.safeParse(command.optsWithGlobals());
  if (!parsed.success) throw new CliError(ExitCode.usage, 'USAGE', z.prettifyError(parsed.error));
  const session = openSession(command);
  const stack = findLocalStack(parsed.data.stack);
  const local = serviceNames.map((name) => stack?.databaseUrlOf(name)).filter((url) => url !== undefined);
  const urls = [...new Set([...local, ...parsed.data.database])];
  const { services, findings: reported } = await askServices(session);
  if (services.length === 0 && urls.length === 0) {
    throw new CliError(
      ExitCode.usage,
      'NOTHING_TO_ASK',
      'there is no local stack here, and no service or database was specified',
      `Start one (npm start), set ${serviceNames.map((name) => `COUNTERSIGN_${name.toUpperCase()}_URL`).join(', ')}, or give --database URL.`,
    );
  }
  // It loads PostgreSQL's driver and Drizzle, whose 200 ms no other command should wait for.
  const { inspectDatabase } = await import('./databases.store.js');
  const [kept, seen] = await Promise.all([
    Promise.all(urls.map(inspectDatabase)),
    services.length === 0 ? { findings: [], notAsked: [] } : askWithTokens(session),
  ]);
  const leftovers = stack === undefined ? [] : localLeftovers(stack.directory);
  const findings = [...reported, ...kept.flat(), ...seen.findings, ...leftovers];
  const report: Report = {
    ok: findings.length === 0,
    services,
    databases: urls.length,
    findings,
    not_asked: seen.notAsked,
  };
  session.output.result(report, textOf(report));
  if (!report.ok) throw new CheckFailed();
}

/** `countersign doctor`: leftovers of earlier versions and wrong settings. Exits with 1 if there is something to do. */
export function register(program: Command): void {
  program
    .command('doctor')
    .summary('find leftovers of earlier versions and wrong settings')
    .description(
      'Asks each service for its readiness and compares their clocks; with tokens, looks for dead letters (audit:read) and keys ' +
        'without a successor (issuer:admin); checks databases for owners that log in, missing migrations and events that an earlier version does not send.\n' +
        'With npm start it knows all services and databases, in compose all services.\n' +
        'Exits with 1 if there is something to do.',
    )
    .option(
      '--database <url>',
      "a service's DATABASE_URL; repeatable (a password may be in PGPASSWORD instead)",
      (url: string, before: readonly string[] = []) => [...before, url],
    )
    .addHelpText(
      'after',
      `
Examples:
  countersign doctor
  countersign doctor --database postgres://payments@db.internal/payments --json`,
    )
    .action(run);
}

import { CliError } from '../cli-error.js';
import { type Session } from '../session/session.js';
import { clockDifference, type ClockReading } from './clocks.js';
import { type Finding } from './finding.js';
import { findingsOf, readinessSchema } from './readiness.js';

export const serviceNames = ['issuer', 'payments', 'accounts', 'audit'] as const;
const TIMEOUT_MS = 10_000;

export interface AskedService {
  readonly service: string;
  readonly url: string;
  readonly status: string;
}
interface Answer {
  readonly asked: AskedService;
  readonly findings: readonly Finding[];
  readonly clock?: ClockReading;
}

async function ask(service: string, url: string): Promise<Answer> {
  const begun = Date.now();
  try {
    const response = await fetch(`${url}/health/ready`, {
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const ended = Date.now();
    const date = response.headers.get('date');
    const readiness = readinessSchema.parse(await response.json());
    return {
      asked: { service, url, status: readiness.status },
      findings: findingsOf(service, readiness),
      ...(date === null ? {} : { clock: { where: service, begun, ended, date } }),
    };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const unreachable = {
      code: 'NO_ANSWER',
      where: service,
      what: `this version does not understand the answer of ${url}/health/ready: ${cause instanceof Error ? cause.message : String(cause)}`,
      to_do: 'Start it, or check its log: a service that lacks migrations or a variable logs that and exits.',
    };
    return { asked: { service, url, status: 'unknown' }, findings: [unreachable] };
  }
}

function knownUrl(session: Session, service: string): string | undefined {
  try {
    return session.urlOf(service);
  } catch (error) {
    if (error instanceof CliError && error.code === 'SERVICE_UNKNOWN') return undefined;
    throw error;
  }
}

/** Asks every service whose address is known for its readiness, and compares their clocks. */
export async function askServices(
  session: Session,
): Promise<{ readonly services: readonly AskedService[]; readonly findings: readonly Finding[] }> {
  const known = serviceNames.flatMap((service) => {
    const url = knownUrl(session, service);
    return url === undefined ? [] : [{ service, url }];
  });
  const answers = await Promise.all(known.map(({ service, url }) => ask(service, url)));
  return {
    services: answers.map(({ asked }) => asked),
    findings: [
      ...answers.flatMap(({ findings }) => findings),
      ...clockDifference(answers.flatMap(({ clock }) => (clock === undefined ? [] : [clock]))),
    ],
  };
}

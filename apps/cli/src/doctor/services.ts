import { CliError } from '../cli-error.js';
import { reasonOf } from '../no-answer.js';
import { type Session } from '../session/session.js';
import { clockDifference, type ClockReading } from './clocks.js';
import { type Finding } from './finding.js';
import { findingsOf, readinessIn } from './readiness.js';

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

function withoutReadiness(service: string, url: string, what: string, to_do: string): Answer {
  return {
    asked: { service, url, status: 'unknown' },
    findings: [{ code: 'NO_ANSWER', where: service, what: `${url}/health/ready ${what}`, to_do }],
  };
}

async function ask(service: string, url: string): Promise<Answer> {
  const begun = Date.now();
  let response: Response;
  let ended: number;
  let text: string;
  try {
    response = await fetch(`${url}/health/ready`, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
    ended = Date.now();
    text = await response.text();
  } catch (error) {
    const start = 'Start it, or check its log: a service with missing migrations or variables logs that and exits.';
    return withoutReadiness(service, url, `does not answer: ${reasonOf(error)}`, start);
  }
  const date = response.headers.get('date');
  const readiness = readinessIn(text);
  if (readiness === undefined) {
    const what = `answers ${String(response.status)} with something that is not a readiness report`;
    return withoutReadiness(service, url, what, `Check that the URL belongs to ${service}; a proxy may have answered.`);
  }
  return {
    asked: { service, url, status: readiness.status },
    findings: findingsOf(service, readiness),
    ...(date === null ? {} : { clock: { where: service, begun, ended, date } }),
  };
}

function knownUrl(session: Session, service: string): string | undefined {
  try {
    return session.urlOf(service);
  } catch (error) {
    if (error instanceof CliError && error.code === 'SERVICE_UNKNOWN') return undefined;
    throw error;
  }
}

/** Requests the readiness of every service whose address is known, and compares their clocks. */
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

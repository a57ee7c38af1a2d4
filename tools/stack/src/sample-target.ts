import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type SampleTarget } from './sample-payment.js';
import { StackError } from './stack-error.js';

const keySchema = z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() });
const url = z.url().transform((text) => text.replace(/\/$/, ''));
const variables = z.object({
  ISSUER_URL: url,
  PAYMENTS_URL: url,
  ACCOUNTS_URL: url,
  AUDIT_URL: url,
  STOREFRONT_KEY_FILE: z.string(),
  AUDITOR_KEY_FILE: z.string(),
  ALLOW_PLAIN_HTTP: z.stringbool({ truthy: ['true'], falsy: ['false'], error: 'must be true or false' }).default(false),
});

/** Where the sample pays, from the environment. @throws {StackError} naming each variable at fault */
export function loadSampleTarget(environment: NodeJS.ProcessEnv): SampleTarget {
  const parsed = variables.safeParse(environment);
  if (!parsed.success) throw new StackError(`The sample cannot run:\n${z.prettifyError(parsed.error)}`);
  const { data } = parsed;
  const key = (path: string) => keySchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  return {
    issuer: data.ISSUER_URL,
    payments: data.PAYMENTS_URL,
    accounts: data.ACCOUNTS_URL,
    audit: data.AUDIT_URL,
    storefrontKey: key(data.STOREFRONT_KEY_FILE),
    allowPlainHttp: data.ALLOW_PLAIN_HTTP,
    auditorKey: key(data.AUDITOR_KEY_FILE),
  };
}

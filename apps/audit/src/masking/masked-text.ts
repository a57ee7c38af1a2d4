import { storableText } from '@countersign/audit-event';
import { commitmentOf, commitmentOfText, isObject, replaceAt, type MaskedPath } from './masking.js';

/** A message that is not an event, in a form that may be shown. */
export interface MaskedText {
  readonly shown: string;
  /** Whether something was masked: then the message itself is stored separately, so that it can be erased. */
  readonly masked: boolean;
  /** Its subject and event id, if they can be read. */
  readonly subject: string | null;
  readonly eventId: string | null;
}

/** Maximum characters of a subject: as many as an event's may have. */
const SUBJECT_LIMIT = 512;

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Masks a message that could not enter the trail by the same policy as events. If fields cannot be found, one commitment replaces everything.
 * @param text well-formed, without U+0000
 * @param newSalt `SALT_SIZE` random bytes
 */
export function maskText(text: string, policy: readonly MaskedPath[], newSalt: () => Buffer): MaskedText {
  const json = objectOf(text);
  const data = isObject(json?.['data']) ? json['data'] : undefined;
  const principal = isObject(data?.['principal']) ? data['principal'] : undefined;
  const said = principal?.['subject'];
  const subject = typeof said === 'string' ? storableText(said.slice(0, SUBJECT_LIMIT)) : null;
  const eventId = typeof json?.['id'] === 'string' && uuidPattern.test(json['id']) ? json['id'] : null;
  if (policy.length === 0) return { shown: text, masked: false, subject, eventId };
  const whole = (): MaskedText => ({ shown: commitmentOfText(text, newSalt()), masked: true, subject, eventId });
  if (json === undefined) return whole();
  try {
    const shown = policy.reduce<Readonly<Record<string, unknown>> | undefined>(
      (object, path) =>
        object === undefined
          ? undefined
          : (replaceAt(object, path, (value) => commitmentOf(value, newSalt())) ?? object),
      data,
    );
    if (shown === data) return { shown: text, masked: false, subject, eventId };
    return { shown: JSON.stringify({ ...json, data: shown }), masked: true, subject, eventId };
  } catch {
    // It is nested too deeply, or too large, to be written.
    return whole();
  }
}

const pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const noTrace = '0'.repeat(32);
const noSpan = '0'.repeat(16);

/** A `traceparent` header or attribute (W3C Trace Context, section 3.2), version 00. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly parentId: string;
  /** 2 hexadecimal digits. */
  readonly flags: string;
}

/** Whether the text has the form of a `traceparent`; its ids may still be all zeros. */
export function isTraceparent(text: string): boolean {
  return pattern.test(text);
}

/** Reads a `traceparent`. @returns undefined when it is missing, malformed, or has an id of zeros (W3C Trace Context, section 3.2.2) */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  const [, traceId, parentId, flags] = pattern.exec(text ?? '') ?? [];
  if (traceId === undefined || parentId === undefined || flags === undefined) return undefined;
  return traceId === noTrace || parentId === noSpan ? undefined : { traceId, parentId, flags };
}

/** The trace id of a `traceparent` that was checked when it came, as every event's was. @returns undefined if there is none */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return traceparent?.slice(3, 35);
}

/**
 * The trace context of the next hop: the same trace with a new parent id, or a new trace where there is none.
 * @param current the `traceparent` of the work at hand; a malformed one counts as none
 * @param randomHex makes that many random hexadecimal digits
 */
export function childTraceparent(current: string | undefined, randomHex: (digits: number) => string): string {
  const { traceId = randomHex(32), flags = '01' } = parseTraceparent(current) ?? {};
  return `00-${traceId}-${randomHex(16)}-${flags}`;
}

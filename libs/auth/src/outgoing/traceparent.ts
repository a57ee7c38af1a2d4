const pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const noTrace = '0'.repeat(32);
const noSpan = '0'.repeat(16);

/**
 * The trace context of an outgoing call (W3C Trace Context): the same trace, a new parent id; a new trace where there is none.
 * @param current the `traceparent` of the work at hand; one that is not well formed counts as none
 * @param randomHex makes that many hexadecimal digits
 */
export function childTraceparent(current: string | undefined, randomHex: (digits: number) => string): string {
  const [, trace, span, flags] = pattern.exec(current ?? '') ?? [];
  const goesOn = trace !== undefined && trace !== noTrace && span !== noSpan;
  return `00-${goesOn ? trace : randomHex(32)}-${randomHex(16)}-${goesOn ? (flags ?? '01') : '01'}`;
}

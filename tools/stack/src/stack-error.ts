/** What a person can repair: its message says what to do, and is printed without a stack trace. */
export class StackError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StackError';
  }
}

export const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/** Any failure in words. */
export function wordsFor(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  if (hasCode(error, 'ENOSPC') || text.includes('No space left on device')) {
    return `The disk is full: free some space (the stack needs about 300 MB) and start again.\n${text}`;
  }
  if (hasCode(error, 'EACCES') || hasCode(error, 'EPERM')) {
    return `A file may not be read or written: ${text}\nWas the stack started by another user before? Remove .countersign, or name another folder with --directory.`;
  }
  const isForPeople = ['NATS_SERVER_MISSING', 'FOLDER_UNTRUSTED', 'DATA_GONE'].some((code) => hasCode(error, code));
  if (error instanceof StackError || isForPeople) return text;
  return error instanceof Error ? (error.stack ?? text) : text;
}

import * as z from 'zod/mini';
import { send } from './client.js';
import { foundEventSchema, type FoundEvent } from './events.js';
import { ApiProblem, problemOf, unreadable } from './problem.js';

const PATH = '/events/tail';
/** Milliseconds before a stream that was cut off is requested again. */
const AGAIN_MS = 1_000;
const LONGEST_MS = 30_000;

/** One message of a stream of server-sent events. */
export interface Message {
  readonly event: string;
  readonly data: string;
}

/** Takes complete messages from the start of a text. @returns them, and the rest */
export function messagesIn(text: string): { readonly messages: readonly Message[]; readonly rest: string } {
  const blocks = text.split('\n\n');
  const rest = blocks.pop() ?? '';
  const messages = blocks.flatMap((block): Message[] => {
    const lines = block.split('\n').filter((line) => !line.startsWith(':'));
    const value = (name: string): string | undefined =>
      lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const data = value('data');
    return data === undefined ? [] : [{ event: value('event') ?? 'message', data }];
  });
  return { messages, rest };
}

export interface TailListener {
  readonly onEvents: (events: readonly FoundEvent[]) => void;
  /** `problem` says why it is not running; undefined while it is. */
  readonly onState: (problem: ApiProblem | undefined) => void;
}

/**
 * Listens to events as they arrive, and resumes after each interruption. Ends with the signal, when the server refuses, and at an event
 * that cannot be read: none is skipped silently.
 */
export async function followEvents(
  query: Readonly<Record<string, string>>,
  { onEvents, onState }: TailListener,
  signal: AbortSignal,
): Promise<void> {
  let cursor: string | undefined;
  for (let pause = AGAIN_MS; !signal.aborted;) {
    const sent = await send(PATH, { query: { ...query, cursor }, signal, endless: true });
    onState(sent.ok ? undefined : sent.problem);
    if (!sent.ok && sent.problem.status >= 400 && sent.problem.status < 500 && sent.problem.status !== 429) return;
    if (sent.ok) {
      pause = AGAIN_MS;
      for await (const found of eventsIn(sent.value)) {
        if (found instanceof ApiProblem) {
          onState(found);
          return;
        }
        cursor = found.at(-1)?.log_index ?? cursor;
        onEvents(found);
      }
    }
    await new Promise((done) => setTimeout(done, pause));
    pause = Math.min(pause * 2, LONGEST_MS);
  }
}

/** @returns the problem if one of them cannot be read, or reports an error: a retry would end the same way */
function eventsOf(messages: readonly Message[]): readonly FoundEvent[] | ApiProblem {
  try {
    const fault = messages.find(({ event }) => event === 'error');
    if (fault !== undefined) return problemOf(200, JSON.parse(fault.data));
    const events = messages.filter(({ event }) => event === 'event');
    return events.map(({ data }) => z.parse(foundEventSchema, JSON.parse(data)));
  } catch {
    return unreadable(PATH);
  }
}

async function* eventsIn(response: Response): AsyncGenerator<readonly FoundEvent[] | ApiProblem> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) return;
      const { messages, rest } = messagesIn(text + value);
      text = rest;
      const events = eventsOf(messages);
      if (events instanceof ApiProblem || events.length > 0) yield events;
    }
  } catch {
    // Cut off: the listener reconnects.
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
}

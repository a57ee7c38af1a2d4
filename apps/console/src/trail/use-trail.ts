import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import * as z from 'zod/mini';
import { followEvents, type TailListener } from '../api/event-stream.js';
import { type FoundEvent } from '../api/events.js';
import { type ApiProblem } from '../api/problem.js';
import { pagesQuery } from './pages-query.js';

const wantedSchema = z.tuple([z.boolean(), z.array(z.tuple([z.string(), z.string()]))]);
/** Maximum live events that are kept in front of the pages. */
const LIVE_LIMIT = 5_000;

/** As {@link pagesQuery}, while they are shown. */
export function usePages(query: Readonly<Record<string, string>>) {
  return useInfiniteQuery(pagesQuery(query));
}

export interface Live {
  /** What came since it is on, newest first. */
  readonly arrived: readonly FoundEvent[];
  /** Why it does not run. */
  readonly problem: ApiProblem | undefined;
}
const nothing: Live = { arrived: [], problem: undefined };

/** Events as they come, whatever time the filters name. */
export function useLive(query: Readonly<Record<string, string>>, on: boolean): Live {
  const [live, setLive] = useState<Live & { readonly key: string }>({ ...nothing, key: '' });
  const filters = Object.entries(query).filter(([name]) => name !== 'from' && name !== 'to');
  const key = JSON.stringify([on, filters]);
  useEffect(() => {
    const [isOn, wanted] = wantedSchema.parse(JSON.parse(key));
    if (!isOn) return;
    const stop = new AbortController();
    const change = (next: (before: Live) => Live): void => {
      setLive((before) => ({ ...next(before.key === key ? before : nothing), key }));
    };
    const listener: TailListener = {
      onEvents: (found) => {
        change(({ arrived, problem }) => ({
          arrived: [...found.toReversed(), ...arrived].slice(0, LIVE_LIMIT),
          problem,
        }));
      },
      onState: (problem) => {
        change(({ arrived }) => ({ arrived, problem }));
      },
    };
    void followEvents(Object.fromEntries(wanted), listener, stop.signal).catch(() => undefined);
    return () => {
      stop.abort();
    };
  }, [key]);
  return on && live.key === key ? live : nothing;
}

import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import * as z from 'zod/mini';
import { followEvents, type TailListener } from '../api/event-stream.js';
import { type ApiProblem } from '../api/problem.js';
import { arrive, type Arrived } from './live-rows.js';
import { pagesQuery } from './pages-query.js';

const wantedSchema = z.tuple([z.boolean(), z.array(z.tuple([z.string(), z.string()]))]);

/** Like {@link pagesQuery}, while they are shown. */
export function usePages(query: Readonly<Record<string, string>>) {
  return useInfiniteQuery(pagesQuery(query));
}

export interface Live {
  /** A new one with other filters, and each time that live mode is turned on. */
  readonly run: object | undefined;
  /** What has arrived since it was turned on. */
  readonly arrived: Arrived;
  /** Why it does not run. */
  readonly problem: ApiProblem | undefined;
}
const nothing: Live = { run: undefined, arrived: { events: [], total: 0 }, problem: undefined };

/**
 * Events as they arrive, whatever time the filters name.
 * @param onConnected called each time it connects or reconnects: it sends what arrives from then on
 */
export function useLive(query: Readonly<Record<string, string>>, on: boolean, onConnected: () => void): Live {
  const [live, setLive] = useState<Live & { readonly key: string }>({ ...nothing, key: '' });
  const connected = useRef(onConnected);
  useEffect(() => {
    connected.current = onConnected;
  });
  const filters = Object.entries(query).filter(([name]) => name !== 'from' && name !== 'to');
  const key = JSON.stringify([on, filters]);
  useEffect(() => {
    const [isOn, wanted] = wantedSchema.parse(JSON.parse(key));
    if (!isOn) return;
    const stop = new AbortController();
    const run = {};
    const change = (next: (before: Live) => Omit<Live, 'run'>): void => {
      if (stop.signal.aborted) return;
      setLive((before) => ({ ...next(before.run === run ? before : nothing), run, key }));
    };
    const listener: TailListener = {
      onEvents: (found) => {
        change(({ arrived, problem }) => ({ arrived: arrive(arrived, found), problem }));
      },
      onState: (problem) => {
        change(({ arrived }) => ({ arrived, problem }));
        if (problem === undefined) connected.current();
      },
    };
    void followEvents(Object.fromEntries(wanted), listener, stop.signal).catch(() => undefined);
    return () => {
      stop.abort();
      setLive({ ...nothing, key: '' });
    };
  }, [key]);
  return live.key === key ? live : nothing;
}

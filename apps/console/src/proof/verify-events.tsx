import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ErrorState } from '../ui/page-state.js';
import { checkpointQuery } from './checkpoint-banner.js';
import { proveEvents, type Proven, type ShownEvent } from './event-check.js';
import { serverLog } from './log-source.js';
import { StepsList } from './steps-list.js';

interface VerifyEventsProps {
  /** What the button says. */
  readonly label: string;
  /** The events as the server sent them. */
  readonly events: () => Promise<readonly ShownEvent[]>;
  /** The id of the single requested event. */
  readonly id?: string;
}

/** A button that proves events in this browser, and what it found. */
export function VerifyEvents({ label, events, id }: VerifyEventsProps) {
  const client = useQueryClient();
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: async (): Promise<Proven> => {
      // The events first, so that the checkpoint is not older than they are.
      const shown = await events();
      const report = await client.fetchQuery({ ...checkpointQuery, staleTime: 0 });
      return proveEvents(serverLog, report, shown, id);
    },
  });
  return (
    <>
      <button
        type="button"
        disabled={isPending}
        onClick={() => {
          mutate();
        }}
      >
        {isPending ? 'Verifying …' : label}
      </button>
      {error !== null && <ErrorState error={error} />}
      {data !== undefined && <StepsList {...data} />}
    </>
  );
}

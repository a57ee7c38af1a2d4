import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ErrorState } from '../ui/page-state.js';
import { checkpointQuery } from './checkpoint-banner.js';
import { checkEvents, type ShownEvent } from './event-check.js';
import { serverLog } from './log-source.js';
import { StepsList } from './steps-list.js';
import { open, type Step } from './step.js';

interface VerifyEventsProps {
  /** What the button says. */
  readonly label: string;
  /** The events as the server sent them. */
  readonly events: () => Promise<readonly ShownEvent[]>;
}

/** A button that proves events in this browser, and what it found. */
export function VerifyEvents({ label, events }: VerifyEventsProps) {
  const client = useQueryClient();
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: async (): Promise<readonly Step[]> => {
      // The events first: the checkpoint is then not older than they are.
      const shown = await events();
      const { checkpoint, steps } = await client.fetchQuery({ ...checkpointQuery, staleTime: 0 });
      if (checkpoint === undefined) return steps;
      if (shown.length === 0) return [...steps, open('The events', 'There are no events to check.')];
      return [...steps, ...(await checkEvents(serverLog, checkpoint, shown)).steps];
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
      {data !== undefined && <StepsList steps={data} />}
    </>
  );
}

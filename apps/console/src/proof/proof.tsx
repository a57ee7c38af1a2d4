import { getRouteApi } from '@tanstack/react-router';
import { serverQueryOf } from '../filters/server-query.js';
import { CheckpointBanner } from './checkpoint-banner.js';
import { Compare } from './compare.js';
import styles from './proof.module.css';
import { eventById, eventsOfPage } from './shown-events.js';
import { VerifyEvents } from './verify-events.js';
import { VerifyFile } from './verify-file.js';

const route = getRouteApi('/proof');

/** Proves the trail's content in this browser, without trusting any claim of the server. */
export function Proof() {
  const { event, ...search } = route.useSearch();
  const navigate = route.useNavigate();
  const filtered = Object.keys(serverQueryOf(search, 0)).length > 0;
  return (
    <div className={styles.proof}>
      <h1>Proof</h1>
      <p className={styles.lead}>
        This browser fetches hashes and signatures of the log and computes the rest itself, by the rules of RFC 9162. It
        remembers what it has seen, so it detects a log that changes its past.
      </p>
      <CheckpointBanner />
      <section aria-labelledby="event">
        <h2 id="event">One event</h2>
        <form
          className={styles.actions}
          onSubmit={(submitted) => {
            submitted.preventDefault();
            const id = new FormData(submitted.currentTarget).get('event');
            void navigate({
              search: { ...search, event: typeof id === 'string' && id.trim() !== '' ? id.trim() : undefined },
            });
          }}
        >
          <label>
            Event id{' '}
            <input name="event" defaultValue={event} key={event} autoComplete="off" spellCheck={false} size={38} />
          </label>
          <button type="submit">Select</button>
        </form>
        {event !== undefined && (
          <VerifyEvents
            key={event}
            id={event}
            label="Verify this event in this browser"
            events={() => eventById(event)}
          />
        )}
      </section>
      <section aria-labelledby="page">
        <h2 id="page">A page of results</h2>
        <p>
          {filtered
            ? 'The newest 50 events that match the filters in this URL.'
            : 'The newest 50 events of the trail. From a filtered trail, open this page with the same filters.'}
        </p>
        <VerifyEvents
          key={JSON.stringify(search)}
          label="Verify this page in this browser"
          events={() => eventsOfPage(search, Date.now())}
        />
      </section>
      <VerifyFile />
      <Compare />
    </div>
  );
}

import { defineEvents } from '@countersign/audit-event';

/** The rights with which somebody reads events. */
const reading = ['audit:read', 'audit:read:own', 'audit:read:client'] as const;
const outcomeFailed = 'On failure, `reason` is the code of the refusal.';

/** Everything that audit records: the only place where its event types, actions and kinds of resource are written. */
export const events = defineEvents({
  source: 'audit',
  kinds: {
    event: 'UUIDv7 of an event in the trail',
    log: '`audit`',
    'log-entry': 'log index',
    'entry-bundle': 'first and last log index: `0-255`',
    checkpoint: 'tree size',
    segment: 'log index of its first event',
    source: "a service's name",
    'dead-letter': 'its position',
    'console-session': 'UUIDv7 of a session at the console',
  },
  events: {
    'events.searched': {
      when: 'The trail was searched.',
      action: reading,
      resource: 'event',
      changes: { search: 'the filters', shown: 'how many' },
    },
    'event.read': {
      when: 'One event was shown, or the answer was that there is no such event: `failed` where there is none, `denied` where there is one that the caller may not see.',
      action: reading,
      resource: 'event',
      changes: { shown: '0 or 1' },
    },
    'events.counted': {
      when: 'The statistics were read.',
      action: 'audit:read',
      resource: 'event',
      changes: { events: 'how many there are' },
    },
    'calls.counted': {
      when: 'The map of calls was read: who called whom, and how often.',
      action: 'audit:read',
      resource: 'event',
      changes: {
        from: 'the first hour',
        to: 'the end of the last hour',
        shown: 'number of pairs of caller and service',
      },
    },
    'events.summarised': {
      when: 'Events were counted over time and by value.',
      action: reading,
      resource: 'event',
      changes: { search: 'the filters', events: 'how many there are' },
    },
    'events.exported': {
      when: `An export started. ${outcomeFailed}`,
      action: reading,
      resource: 'event',
      changes: { export: 'the filters', below: 'tree size of the checkpoint' },
    },
    'events.export_ended': {
      when: 'An export ended; `failed` if its reader disconnected or stopped reading (`READER_GONE`), or if the server could not continue (`EXPORT_FAILED`).',
      action: reading,
      resource: 'event',
      changes: { export: 'the filters', shown: 'how many', complete: 'whether it reached the end' },
    },
    'events.tailed': {
      when: 'A live tail was started.',
      action: reading,
      resource: 'event',
      changes: { tail: 'the filters' },
    },
    'events.tail_ended': {
      when: 'The tail ended, or was interrupted.',
      action: reading,
      resource: 'event',
      changes: { tail: 'the filters', shown: 'how many' },
    },
    'event.revealed': {
      when: 'Masked values of an event were shown.',
      action: 'audit:reveal',
      resource: 'event',
      changes: { reason: 'why, as the caller gave it', shown: 'paths' },
    },
    'event.erasure_ordered': {
      when: 'An erasure of masked values, for one event or one subject, was started.',
      action: 'audit:erase',
      resource: 'event',
      changes: { event: 'its id', subject: 'or the subject', reason: 'why, as the caller gave it' },
    },
    'event.erased': {
      when: 'The erasure is complete.',
      action: 'audit:erase',
      resource: 'event',
      changes: {
        event: 'its id',
        subject: 'or the subject',
        reason: 'why, as the caller gave it',
        erased: 'how many values',
      },
    },
    'console-session.began': {
      when: 'A person signed in at the console.',
      action: 'console:sign-in',
      resource: 'console-session',
      changes: { scopes: 'what they may do here', roles: 'by which' },
    },
    'console-session.widened': {
      when: 'A person signed in at the console also requested their rights at another service.',
      action: 'console:sign-in',
      resource: 'console-session',
      changes: { audience: 'the service' },
    },
    'console-session.ended': {
      when: 'A session at the console ended before its time: its person signed out; or somebody signed in again in the same browser, or the issuer ended it or gave no further token (`because`).',
      action: 'console:sign-out',
      resource: 'console-session',
      principal: 'sometimes',
      changes: { because: 'why, if they did not do it themselves' },
    },
    'entries.read': {
      when: `A bundle of log entries was fetched. ${outcomeFailed}`,
      action: 'audit:read',
      resource: 'entry-bundle',
      changes: { shown: 'how many' },
    },
    'inclusion.proven': {
      when: `An inclusion proof was requested: that an event is in the log. ${outcomeFailed}`,
      action: 'audit:read',
      resource: ['log-entry', 'event'],
      changes: { size: 'of the tree, or null for the newest checkpoint' },
    },
    'consistency.proven': {
      when: `A consistency proof was requested: that the log only grew up to a size. ${outcomeFailed}`,
      action: 'audit:read',
      resource: 'checkpoint',
      changes: { from: 'the smaller size' },
    },
    'checkpoint.ordered': {
      when: 'Waiting entries were integrated and signed immediately, on request.',
      action: 'audit:read',
      resource: 'checkpoint',
    },
    'sources.listed': {
      when: 'The completeness of the sources was read.',
      action: 'audit:read',
      resource: 'source',
      changes: { shown: 'how many' },
    },
    'gap.accepted': {
      when: 'An administrator permanently accepted that numbers of a source are missing.',
      action: 'audit:admin',
      resource: 'source',
      changes: { source: 'its name', first: 'number', last: 'number', reason: 'why, as the caller gave it' },
    },
    'gap.refused': {
      when: 'The acceptance was refused: not all of these numbers are missing.',
      action: 'audit:admin',
      resource: 'source',
      changes: { source: 'its name', first: 'number', last: 'number', reason: 'why, as the caller gave it' },
    },
    'dead-letter.kept': {
      when: 'A message that is not a valid event became a dead letter; `reason` says why.',
      action: 'events:take',
      resource: 'dead-letter',
      principal: 'never',
      changes: {
        nats_subject: 'on which it arrived',
        sha256: 'over the subject, a line feed and the visible part of the message',
        source: 'its source, if readable',
        sequence: 'its number there',
      },
    },
    'dead-letters.listed': {
      when: 'Dead letters were listed.',
      action: 'audit:read',
      resource: 'dead-letter',
      changes: { shown: 'how many' },
    },
    'dead-letter.replayed': {
      when: 'One was appended to the log after all.',
      action: 'audit:admin',
      resource: 'dead-letter',
      changes: { log_index: 'its place' },
    },
    'dead-letter.replay_refused': {
      when: 'It was refused again, or can no longer be appended.',
      action: 'audit:admin',
      resource: 'dead-letter',
    },
    'segment.sealed': {
      when: 'Events were moved from the database to a file.',
      action: 'events:seal',
      resource: 'segment',
      principal: 'never',
      changes: {
        first_index: 'log index',
        end_index: 'the log index after the last one',
        file: 'its name',
        sha256: 'of the file',
      },
    },
    'log.recovery_read': {
      when: 'The state of a recovery was read: whether the log was restored.',
      action: ['audit:admin', 'audit:read'],
      resource: 'log',
      changes: { state: '`checking`, `current` or `restored`' },
    },
    'log.recalled': {
      when: `An administrator asked the services for the events that a restored log lost. ${outcomeFailed}`,
      action: 'audit:admin',
      resource: 'log',
    },
    'log.recovered': {
      when: 'The recovered events are in the log again, each under its original index.',
      action: 'audit:admin',
      resource: 'log',
      changes: {
        first_index: 'log index',
        end_index: 'the log index after the last one',
        recovered: 'how many',
        lost: 'ranges, at most 100',
        lost_entries: 'how many',
        checkpoint_size: 'of the newest known checkpoint, or null',
        checkpoint_root: 'base64, or null',
        checkpoint_verified: 'whether the log is consistent with it',
      },
    },
    'log.recovery_refused': {
      when: 'A recovery was refused: something is missing or does not match.',
      action: 'audit:admin',
      resource: 'log',
      changes: { accept_loss: 'whether a loss was accepted' },
    },
    'entry.lost': {
      when: 'Replaces, in a recovered log, an event that was lost.',
      action: 'audit:admin',
      resource: 'log-entry',
    },
  },
});

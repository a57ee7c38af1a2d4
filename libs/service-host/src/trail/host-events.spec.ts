import { resolve } from 'node:path';
import { readEventsPage } from '@countersign/test-kit';
import { hostEvents } from './host-events.js';

describe('the events of every service', () => {
  it('are documented as they are declared', () => {
    const page = readEventsPage(
      resolve(import.meta.dirname, '../../../../docs/events.md'),
      hostEvents('every-service'),
    );
    expect(page.documented).toBe(page.declared);
  });
});

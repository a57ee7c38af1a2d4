import { resolve } from 'node:path';
import { readEventsPage } from '@countersign/test-kit';
import { events } from './events.js';

describe('the events of the issuer', () => {
  it('are documented as they are declared', () => {
    const page = readEventsPage(resolve(import.meta.dirname, '../../../docs/events.md'), events);
    expect(page.documented).toBe(page.declared);
  });
});

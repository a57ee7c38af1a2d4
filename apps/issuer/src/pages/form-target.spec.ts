import { formTargetOf } from './form-target.js';
import { pagePolicy } from './page.js';

describe('where a form may lead', () => {
  it.each([
    ['https://planner.example/bye?x', 'https://planner.example'],
    ['http://127.0.0.1:4011/cb', 'http://127.0.0.1:4011'],
    ['com.example.planner:/bye', 'com.example.planner:'],
    // Chromium: "contains an invalid source: 'http://[::1]:35349'. It will be ignored."
    ['http://[::1]:35349/cb', 'http:'],
  ])('is for %s a valid source for browsers: %s', (url, source) => {
    expect(formTargetOf(url)).toBe(source);
    expect(pagePolicy([formTargetOf(url)])).toContain(`form-action 'self' ${source};`);
  });
});

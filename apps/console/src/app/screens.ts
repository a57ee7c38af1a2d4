import { type LinkProps } from '@tanstack/react-router';

export interface ScreenLink {
  readonly to: NonNullable<LinkProps['to']>;
  readonly title: string;
  /** The letter after `g` that opens it. */
  readonly letter: string;
}

/** The screens of the navigation, in order. */
export const screens: readonly ScreenLink[] = [
  { to: '/', title: 'Trail', letter: 't' },
  { to: '/map', title: 'Who calls whom', letter: 'm' },
  { to: '/proof', title: 'Proof', letter: 'p' },
  { to: '/access', title: 'Access', letter: 'a' },
  { to: '/health', title: 'Health', letter: 'h' },
];

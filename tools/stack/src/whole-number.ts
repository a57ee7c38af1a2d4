import { InvalidArgumentError } from 'commander';

/** Reads a whole number of the command line. @throws {InvalidArgumentError} naming the bounds */
export const whole =
  (min: number, max: number) =>
  (text: string): number => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < min || number > max)
      throw new InvalidArgumentError(`a whole number from ${String(min)} to ${String(max)}`);
    return number;
  };

import { Command, InvalidArgumentError } from 'commander'
import { connect, type Client } from './client.ts'
import { printable } from './output.ts'

/** What a command works with: everything it does to the outside goes through here, so that tests can look. */
export type World = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: { write(text: string): unknown, readonly isTTY?: boolean }
  readonly stderr: { write(text: string): unknown }
  readonly now: () => Date
  /** Set by a command whose outcome is not an error: refused, quarantined. */
  exitCode: number
}

export type Context = {
  readonly world: World
  readonly client: Client
  readonly json: boolean
  /** Prints a value: as JSON, or in the words of `inWords`. */
  print<T>(value: T, inWords: (value: T) => string): void
}

type Action<Options> = (context: Context, options: Options, ...args: string[]) => Promise<void>

/** A command that does something: `--json` and a way to the service come with it. */
export function leaf<Options extends object = object>(parent: Command, world: World, usage: string, description: string, action: Action<Options>, configure: (command: Command) => Command = command => command): Command {
  const command = configure(parent.command(usage).description(description)).option('--json', 'print JSON')
  return command.action(async (...given: unknown[]) => {
    const args = given.slice(0, -2).filter(argument => argument !== undefined) as string[]
    const options = command.optsWithGlobals<Options & { json?: boolean }>()
    const json = options.json === true
    const print: Context['print'] = (value, inWords) => { world.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : inWords(value)) }
    let client: Client | undefined
    // Not before it is needed: `phone` and `serve` talk to nobody's socket.
    await action({ world, json, print, get client() { return client ??= connect(world.env) } }, options, ...args)
  })
}

/** A command that only holds others. */
export function group(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description)
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('must be a whole number')
  return Number(text)
}

/** A day means to its end, in UTC. */
export function untilInstant(text: string): string {
  const day = /^(\d{4}-\d\d-\d\d)(?:$|T\d\d:\d\d.*(?:Z|[+-]\d\d:\d\d)$)/.exec(text)?.[1]
  const instant = new Date(text === day ? `${day}T23:59:59Z` : text)
  // Date makes 3 March of 31 February.
  const isDay = day !== undefined && new Date(`${day}T00:00:00Z`).getUTCDate() === Number(day.slice(8))
  if (!isDay || Number.isNaN(instant.getTime())) throw new InvalidArgumentError('must be a day like 2027-12-31, or an instant like 2027-12-31T12:00:00Z')
  return instant.toISOString()
}

export function yesOrNo(text: string): boolean {
  if (text !== 'yes' && text !== 'no') throw new InvalidArgumentError('must be yes or no')
  return text === 'yes'
}

/** What `--search` takes. */
export const searchWords = 'what is known of it, or a part: the beginning of a word, or three letters in a row'

/** For lists: how many, and where the page before ended. */
export const paged = (command: Command): Command => command
  .option('--limit <n>', 'how many at most', wholeNumber, 100)
  .option('--cursor <cursor>', 'go on after a page')

/** `--sort`, for lists that offer orders. */
export const sorted = (command: Command, names: string): Command => command.option('--sort <order>', `${names}; a minus before it turns it round`)

export type Paged = { limit: number, cursor?: string }
export const more = (next: string | null): string => next === null ? '' : `more follow: --cursor ${next}\n`
export const line = (text: string): string => `${printable(text)}\n`

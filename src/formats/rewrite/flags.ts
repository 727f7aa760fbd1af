/** The square brackets behind a RewriteCond or RewriteRule. */
import { CaError } from '../../errors.ts'

export type RuleFlags = {
  readonly ignoreCase: boolean
  readonly last: boolean
  readonly end: boolean
  readonly chain: boolean
  readonly skip: number
  /** Answers at once with this status: F, G, or R with a status that is not a redirection. */
  readonly status: number | null
  /** Redirects with this status once the rules are through; without L they go on. */
  readonly redirect: number | null
  readonly proxy: boolean
  readonly passThrough: boolean
  readonly keepQuery: boolean
  readonly dropQuery: boolean
  readonly environment: readonly string[]
}

const words: Readonly<Record<string, string>> = {
  nocase: 'NC', last: 'L', forbidden: 'F', gone: 'G', redirect: 'R', chain: 'C', skip: 'S', proxy: 'P', passthrough: 'PT', qsappend: 'QSA', qsdiscard: 'QSD',
  noescape: 'NE', nosubreq: 'NS', env: 'E', ornext: 'OR', novary: 'NV', end: 'END', next: 'N', type: 'T', handler: 'H', cookie: 'CO', discardpath: 'DPI',
  // As the rewriters for IIS of that time spell it.
  i: 'NC',
}
/** They change what is answered, or how it is written, and not who is let in. */
const ofNoConcern = new Set(['NE', 'NS', 'T', 'H', 'CO', 'DPI', 'B', 'NV', 'U'])

type Flag = { name: string, value: string }

function readFlags(text: string | undefined): Flag[] {
  if (text === undefined) return []
  if (!/^\[.*\]$/s.test(text)) throw new CaError('malformed-rewrite-rules', `its flags ${text.slice(0, 40)} do not stand in square brackets, so Apache would not start`)
  return text.slice(1, -1).split(',').map(part => part.trim()).filter(part => part !== '').map(part => {
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(part)!
    const long = name.trim().toLowerCase()
    return { name: Object.hasOwn(words, long) ? words[long]! : long.toUpperCase(), value: value.trim() }
  })
}

const unknown = (name: string): CaError => new CaError('unsupported-rewrite-rules', `the flag ${name.slice(0, 20)} is not read`)

export function readConditionFlags(text: string | undefined): { ignoreCase: boolean, or: boolean } {
  const flags = readFlags(text)
  for (const { name } of flags) if (!['NC', 'OR', 'NV'].includes(name)) throw unknown(name)
  return { ignoreCase: flags.some(({ name }) => name === 'NC'), or: flags.some(({ name }) => name === 'OR') }
}

export function readRuleFlags(text: string | undefined): RuleFlags {
  const flags = { ignoreCase: false, last: false, end: false, chain: false, skip: 0, status: null as number | null, redirect: null as number | null, proxy: false, passThrough: false, keepQuery: false, dropQuery: false, environment: [] as string[] }
  for (const { name, value } of readFlags(text)) {
    switch (name) {
      case 'NC': flags.ignoreCase = true; break
      case 'L': flags.last = true; break
      case 'END': flags.end = true; break
      case 'C': flags.chain = true; break
      case 'S': flags.skip = numberIn(value, 1000); break
      case 'F': flags.status = 403; break
      case 'G': flags.status = 410; break
      case 'R': {
        const status = redirection(value)
        if (status < 300 || status > 399) flags.status = status
        else flags.redirect = status
        break
      }
      case 'P': flags.proxy = true; break
      case 'PT': flags.passThrough = true; break
      case 'QSA': flags.keepQuery = true; break
      case 'QSD': flags.dropQuery = true; break
      case 'E': flags.environment.push(value); break
      default: if (!ofNoConcern.has(name)) throw unknown(name)
    }
  }
  return flags
}

const named: Readonly<Record<string, number>> = { '': 302, 'permanent': 301, 'temp': 302, 'seeother': 303 }

function redirection(value: string): number {
  const word = value.toLowerCase()
  return Object.hasOwn(named, word) ? named[word]! : numberIn(value, 599)
}

function numberIn(value: string, most: number): number {
  if (!/^\d{1,4}$/.test(value) || Number(value) > most) throw new CaError('malformed-rewrite-rules', `${value.slice(0, 20)} is not a number that stands there`)
  return Number(value)
}

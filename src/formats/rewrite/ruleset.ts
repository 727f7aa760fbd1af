/** A mod_rewrite ruleset as a front end has it: RewriteCond and RewriteRule, in the order in which they stand. */
import { CaError } from '../../errors.ts'
import { compilePattern, type Pattern } from '../pattern/pattern.ts'
import { readDirectives, splitArguments, type Directive } from './directives.ts'
import { readConditionFlags, readRuleFlags, type RuleFlags } from './flags.ts'

/** What a text is held against: a pattern to be found in it, or the whole of it. */
export type Test = { readonly negated: boolean, readonly source: string } & ({ readonly pattern: Pattern } | { readonly equals: string, readonly ignoreCase: boolean })

export type RewriteCondition = { readonly line: number, readonly subject: string, readonly test: Test, readonly or: boolean }

export type RewriteRule = {
  readonly line: number
  readonly conditions: readonly RewriteCondition[]
  readonly test: Test
  readonly substitution: string
  readonly flags: RuleFlags
}

/** Something about how the file was read that its owner should know. */
export type ReadingNote = { readonly code: 'engine-off' | 'engine-not-switched-on' | 'directive-passed-over' | 'conditions-without-rule', readonly line: number | null, readonly text: string }

export type Ruleset = {
  readonly engine: boolean
  /** In a folder, the path is compared without its first slash, and what was rewritten is looked at again. */
  readonly perDirectory: boolean
  readonly rules: readonly RewriteRule[]
  readonly notes: readonly ReadingNote[]
}

const maxRules = 1000
const maxConditions = 5000
/** Of all patterns together: what one byte of a User-Agent may cost. */
const maxInstructions = 20_000

type State = { engine: boolean | undefined, perDirectory: boolean, pending: RewriteCondition[], rules: RewriteRule[], notes: ReadingNote[], size: number, count: number }

/**
 * @param perDirectory  the file is a .htaccess; blocks of `<Directory>` say so themselves
 * @throws {CaError} malformed-rewrite-rules for what Apache would refuse to start with, unsupported-rewrite-rules for what
 *   would have to be guessed; both name the line
 */
export function readRuleset(text: string, { perDirectory = false }: { perDirectory?: boolean } = {}): Ruleset {
  const state: State = { engine: undefined, perDirectory, pending: [], rules: [], notes: [], size: 0, count: 0 }
  for (const directive of readDirectives(text)) {
    try {
      take(state, directive)
    } catch (error) {
      throw error instanceof CaError ? new CaError(error.code, `line ${directive.line}: ${error.message}`, { cause: error }) : error
    }
  }
  const { engine, pending, rules, notes } = state
  if (rules.length === 0) throw new CaError('malformed-rewrite-rules', 'there is no RewriteRule in it')
  if (engine === undefined) notes.push({ code: 'engine-not-switched-on', line: null, text: 'RewriteEngine on does not stand in this file. It is read as if it stood elsewhere; where it does not, Apache passes all of this over.' })
  if (engine === false) notes.push({ code: 'engine-off', line: null, text: 'RewriteEngine is off: Apache passes all of this over and lets everybody in.' })
  if (pending.length > 0) notes.push({ code: 'conditions-without-rule', line: pending[0]!.line, text: 'Conditions stand at the end with no rule behind them; they do nothing.' })
  return { engine: engine ?? true, perDirectory: state.perDirectory, rules, notes }
}

function take(state: State, directive: Directive): void {
  const { name, rest, line } = directive
  switch (name.toLowerCase()) {
    case 'rewritecond': return takeCondition(state, directive)
    case 'rewriterule': return takeRule(state, directive)
    case 'rewriteengine': {
      if (!/^(on|off)$/i.test(rest)) throw new CaError('malformed-rewrite-rules', 'RewriteEngine is neither on nor off')
      state.engine = /^on$/i.test(rest)
      return
    }
    case 'rewritebase': {
      if (rest !== '/') throw new CaError('unsupported-rewrite-rules', 'RewriteBase of a folder is not read')
      return
    }
    default: takeOther(state, name, line)
  }
}

const transparent = /^<\/?(IfModule|VirtualHost|Directory|DirectoryMatch)\b/i

function takeOther(state: State, name: string, line: number): void {
  if (transparent.test(name)) {
    if (/^<Directory/i.test(name)) state.perDirectory = true
    return
  }
  if (name.startsWith('<') || /^(RewriteMap|RewriteOptions|Include|IncludeOptional|Define|Use)$/i.test(name)) {
    throw new CaError('unsupported-rewrite-rules', `${name.slice(0, 40)} is not read: what it does to the rules would have to be guessed`)
  }
  state.notes.push({ code: 'directive-passed-over', line, text: `${name.slice(0, 40)} is not about rewriting and was passed over.` })
}

function takeCondition(state: State, { rest, line }: Directive): void {
  const [subject, source, flagText] = splitArguments(rest) ?? []
  if (subject === undefined || source === undefined) throw new CaError('malformed-rewrite-rules', 'RewriteCond needs a text and a pattern')
  const flags = readConditionFlags(flagText)
  if (++state.count > maxConditions) throw new CaError('unsupported-rewrite-rules', `more than ${maxConditions} conditions`)
  state.pending.push({ line, subject, test: testOf(state, source, flags.ignoreCase, true), or: flags.or })
}

function takeRule(state: State, { rest, line }: Directive): void {
  const [source, substitution, flagText] = splitArguments(rest) ?? []
  if (source === undefined || substitution === undefined) throw new CaError('malformed-rewrite-rules', 'RewriteRule needs a pattern and a substitution')
  const flags = readRuleFlags(flagText)
  if (state.rules.length >= maxRules) throw new CaError('unsupported-rewrite-rules', `more than ${maxRules} rules`)
  state.rules.push({ line, conditions: state.pending, test: testOf(state, source, flags.ignoreCase, false), substitution, flags })
  state.pending = []
}

/** A condition may compare with the whole (`=text`); the other comparisons need a file system or numbers. */
function testOf(state: State, written: string, ignoreCase: boolean, mayCompare: boolean): Test {
  const negated = written.startsWith('!')
  const source = negated ? written.slice(1) : written
  if (mayCompare && source.startsWith('=')) {
    const equals = source.slice(1)
    return { negated, source: written, equals: equals === '""' ? '' : equals, ignoreCase }
  }
  if (mayCompare && /^([<>]|-([dfslLhHxFU]|eq|ne|lt|le|gt|ge)$)/.test(source)) throw new CaError('unsupported-rewrite-rules', `the comparison ${source.slice(0, 20)} is not read`)
  const pattern = compilePattern(source, { ignoreCase })
  state.size += pattern.size
  if (state.size > maxInstructions) throw new CaError('unsupported-rewrite-rules', 'all patterns together are too large')
  return { negated, source: written, pattern }
}

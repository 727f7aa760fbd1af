/** What is wrong with a User-Agent ruleset, in sentences with a stable code each. */
import type { RewriteCondition, Ruleset } from '../../formats/rewrite/ruleset.ts'
import type { Simulated, SimulatedKnown } from './simulate.ts'

export type RulesetFindingCode =
  | 'engine-off' | 'engine-not-switched-on' | 'directive-passed-over' | 'conditions-without-rule'
  | 'or-without-successor' | 'unescaped-dot' | 'star-repeats-one-sign' | 'not-anchored' | 'dead-condition'
  | 'redirect-not-refusal' | 'clear-text-target' | 'browsers-refused' | 'no-user-agent-refused' | 'no-user-agent-passed'
  | 'anything-that-says-so-passes' | 'evaded-by-one-sign' | 'spelling-decides' | 'models-not-told-apart' | 'never-refused' | 'claim-only'

/** @property lines  of the file, where it is about some */
export type RulesetFinding = { readonly code: RulesetFindingCode, readonly lines: readonly number[], readonly text: string }

export type Trial = { readonly ruleset: Ruleset, readonly rows: readonly SimulatedKnown[], ask(userAgent: string): Simulated }

export function findingsOf(trial: Trial): RulesetFinding[] {
  const { ruleset, rows } = trial
  const conditions = ruleset.rules.flatMap(rule => rule.conditions).filter(isAboutUserAgent)
  return [
    ...ruleset.notes.map(({ code, line, text }) => finding(code, line, text)),
    ...ruleset.rules.flatMap(({ conditions: of, line }) => of.at(-1)?.or === true ? [finding('or-without-successor', of.at(-1)!.line,
      `The last condition ends with OR and no other follows, so nothing can fail: the rule in line ${line} applies to everybody.`)] : []),
    ...points(conditions), ...stars(conditions),
    ...conditions.flatMap(condition => dead(condition, rows)),
    ...unanchored(conditions),
    ...ruleset.engine ? [...answers(trial), ...lies(trial)] : [],
    ...shared(rows),
    finding('claim-only', null, 'Every rule here believes what the phone says of itself. Any program can send any of these texts; the proposed policy asks for evidence instead.'),
  ]
}

const finding = (code: RulesetFindingCode, line: number | null, text: string): RulesetFinding => ({ code, lines: line === null ? [] : [line], text })
const isAboutUserAgent = ({ subject }: RewriteCondition): boolean => /^%\{HTTP(_USER_AGENT|:User-Agent)\}$/i.test(subject)

const linesOf = (conditions: readonly RewriteCondition[]): number[] => conditions.map(({ line }) => line)

function points(conditions: readonly RewriteCondition[]): RulesetFinding[] {
  const found = conditions.filter(({ test: { source } }) => /\d\.\d/.test(source))
  return found.length === 0 ? [] : [{ code: 'unescaped-dot', lines: linesOf(found),
    text: `In ${found[0]!.test.source} the point means any sign, so another sign or digit fits in its place; \\. means a point.` }]
}

function stars(conditions: readonly RewriteCondition[]): RulesetFinding[] {
  const signBefore = ({ test: { source } }: RewriteCondition): string | undefined => /([A-Za-z0-9])\*/.exec(source.replaceAll(/\\./g, '..'))?.[1]
  const found = conditions.filter(condition => signBefore(condition) !== undefined)
  return found.length === 0 ? [] : [{ code: 'star-repeats-one-sign', lines: linesOf(found),
    text: `In ${found[0]!.test.source} the star repeats the ${signBefore(found[0]!)} before it, also not at all; it does not stand for whatever may follow.` }]
}

function unanchored(conditions: readonly RewriteCondition[]): RulesetFinding[] {
  const loose = conditions.filter(({ test: { source, negated } }) => !negated && !/^(\(\?i\))?\^/.test(source) && !source.startsWith('='))
  return loose.length === 0 ? [] : [{ code: 'not-anchored', lines: linesOf(loose), text: `${loose.length === 1 ? 'One pattern may' : `${loose.length} patterns may`} stand anywhere in the text, because no ^ begins them: also in the middle of another word.` }]
}

function dead({ test, line }: RewriteCondition, rows: readonly SimulatedKnown[]): RulesetFinding[] {
  if (test.negated || !('pattern' in test)) return []
  const { pattern } = test
  const fits = rows.filter(row => pattern.find(row.userAgent) !== undefined)
  if (fits.some(row => row.genuine)) return []
  return [finding('dead-condition', line, fits.length === 0
    ? `${test.source} fits nothing that a known iPhone, iPad or iPod touch sends.`
    : `${test.source} fits only texts that no phone was seen to send, like ${fits[0]!.userAgent}: ${fits[0]!.build.startsWith('8') ? 'numbers are not filled up with zeros' : 'before iOS 4 no model was sent'}.`)]
}

const browser = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36'
const imitations = ['iPhone', 'NotAnIphoneReally/1.0', 'Apple-iPhone14C3/1704.10', 'iPad', 'xApple-iPadx']

function answers({ rows, ask }: Trial): RulesetFinding[] {
  const redirected = rows.find(row => row.location !== null)
  const [none, pc] = [ask(''), ask(browser)]
  return [
    ...redirected === undefined ? [] : [finding('redirect-not-refusal', redirected.line, `Phones are sent to ${redirected.location} with ${redirected.httpStatus}, which ActiveSync does not follow as a refusal: answer 403. (Its own redirection is 451.)`)],
    ...redirected?.location?.startsWith('http://') === true ? [finding('clear-text-target', redirected.line, 'They are sent there in clear text, with whatever else the request carries.')] : [],
    ...pc.verdict === 'blocked' ? [finding('browsers-refused', pc.line, 'No rule asks for the address, so a browser that wants Outlook on the web is refused as well.')] : [],
    none.verdict === 'blocked'
      ? finding('no-user-agent-refused', none.line, 'A request without User-Agent is refused, although the protocol lets clients leave it out.')
      : finding('no-user-agent-passed', none.line, 'A request without User-Agent passes: leaving it out is enough.'),
  ]
}

function lies({ rows, ask }: Trial): RulesetFinding[] {
  const believed = imitations.filter(text => ask(text).verdict === 'passed')
  const refused = [...Map.groupBy(rows.filter(row => row.genuine && row.verdict === 'blocked'), row => row.rule).values()].map(ofRule => ofRule[0]!)
  const evasion = refused.flatMap(row => variantsOf(row.userAgent).filter(text => ask(text).verdict === 'passed').map(text => ({ row, text })))[0]
  const spellingOf = ({ userAgent, build }: SimulatedKnown): string => `${userAgent.split('/')[0]} ${build}`
  const sent = new Map(rows.filter(row => row.genuine).map(row => [spellingOf(row), row.verdict]))
  const bySpelling = rows.find(row => !row.genuine && (sent.get(spellingOf(row)) ?? row.verdict) !== row.verdict)
  return [
    ...believed.length === 0 ? [] : [finding('anything-that-says-so-passes', null, `These pass and were never sent by any phone: ${believed.join(', ')}.`)],
    ...evasion === undefined ? [] : [finding('evaded-by-one-sign', evasion.row.line, `${evasion.row.userAgent} is refused, and ${evasion.text} passes.`)],
    ...bySpelling === undefined ? [] : [finding('spelling-decides', bySpelling.line, `${bySpelling.userAgent} is ${bySpelling.verdict} and the same without the zeros is not.`)],
  ]
}

const variantsOf = (userAgent: string): string[] => [
  userAgent.replace(/(\d+)C/, '0$1C'), userAgent.replace('/', ' /'), userAgent.replace(/\/(\d)/, '/$1.'), userAgent.replace('Apple-', 'Apple--'),
].filter(text => text !== userAgent)

function shared(rows: readonly SimulatedKnown[]): RulesetFinding[] {
  const mixed = rows.filter(row => row.genuine && row.wanted === 'some' && row.productTypes.length > 1)
  return mixed.length === 0 ? [] : [finding('models-not-told-apart', null,
    `${mixed.length} texts stand for models of which only some are wanted, because systems before iOS 4 send no model: ${mixed[0]!.userAgent} is ${mixed[0]!.productTypes.join(', ')}. No rule about User-Agents can tell them apart.`)]
}

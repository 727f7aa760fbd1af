/** What came along from other systems, as a report: sentences first, then what would be put in its place. */
import type { Context } from 'koa'
import type { z } from 'zod'
import { presetNames } from '../../devices/presets.ts'
import { ruleSentence } from '../../policy/sentences.ts'
import { describeConditions } from '../../policy/words.ts'
import type { importExchangeDevices, importExchangeRules, importRewriteRules, ProposalView } from '../../protocols/api/operations/imports.ts'
import { html, type Markup } from '../html.ts'
import { brief, named } from '../status-words.ts'
import { csrfField, field, problem, table } from '../words.ts'

export type ImportValues = { rules: string, settings: string, phones: string, ruleset: string, aim: string }
type ExchangeView = z.input<typeof importExchangeRules.output>
type RewriteView = z.input<typeof importRewriteRules.output>

export const importPage = (ctx: Context, { values, mistake, report }: { values: ImportValues, mistake?: string | undefined, report?: Markup | undefined }): Markup => html`<section><p class="soft"><a href="/console/policy">Policy</a></p>
<h1>Coming from what you have</h1><p>Paste what decides today. It is read and judged, and a policy on evidence is proposed in its place. Nothing is changed before you have seen whom it reaches.</p></section>
${report}<section>${problem(mistake)}<h2>From Exchange</h2><form class="stack" method="post" action="/console/policy/import/exchange">${csrfField(ctx)}
${area('Device access rules', 'rules', values.rules, 'Get-ActiveSyncDeviceAccessRule, as CSV or JSON, or a configuration of Microsoft365DSC')}
${area('Settings and mailbox policies', 'settings', values.settings, 'Get-ActiveSyncOrganizationSettings or Get-MobileDeviceMailboxPolicy; may stay empty')}
${area('Phones', 'phones', values.phones, 'Get-MobileDevice; may stay empty')}
<div class="actions"><button class="main" type="submit">Read them</button><button type="submit" formaction="/console/policy/import/people">Whom to invite</button></div></form></section>
<section><h2>From a mod_rewrite ruleset</h2><form class="stack" method="post" action="/console/policy/import/rewrite">${csrfField(ctx)}
${area('RewriteCond and RewriteRule', 'ruleset', values.ruleset, 'As they stand in the configuration of Apache')}
${field({ label: 'Whom it was meant to let in', name: 'aim', value: values.aim, maxlength: 64, hint: `${presetNames.join(', ')}, a product type or a wildcard; may stay empty`, spellcheck: false })}
<button class="main" type="submit">Try it</button></form></section>
<section><h2>Back to Exchange</h2><p>What policy blocks now, as commands for Exchange: a second fence. It goes by what phones say of themselves; the first lines say what that is worth.</p>
<p><a href="/console/policy/import/exchange-rules.ps1" download>exchange-rules.ps1</a></p></section>`

const area = (label: string, name: keyof ImportValues, value: string, hint: string): Markup => field({ label, name, type: 'textarea', rows: 6, value, hint, spellcheck: false })

type Said = { code: string, text: string }
const sentences = (title: string, found: readonly Said[]): Markup | undefined => found.length === 0 ? undefined
  : html`<section><h2>${title}</h2><ul>${found.map(({ code, text }) => html`<li>${named(text)} <code>${code}</code></li>`)}</ul></section>`

export function exchangeReport(ctx: Context, report: ExchangeView, mayPreview: boolean): Markup {
  const { read, carried, findings, notCarried, doubtful, devices, differences } = report
  const about = (kind: 'illusion' | 'not-carried-over'): Said[] => [
    ...findings.filter(finding => finding.kind === kind),
    ...[...notCarried, ...doubtful].filter(rule => rule.kind === kind).map(({ rule, accessLevel, code, text }) => ({ code, text: `${accessLevel} ${rule}: ${text}` })),
  ]
  const losing = devices.first.filter(({ accessState, proposed }) => accessState === 'Allowed' && proposed !== 'allow')
  return html`<section><h2>What Exchange does</h2><p>${read.rules} rules, ${read.policies} mailbox policies and ${read.devices} phones were read. What no rule names: ${report.defaultAccessLevel}.</p>
${table({ caption: 'Rules that become rules here', head: ['Rule', 'Level', 'Becomes'], rows: carried.slice(0, 500).map(rule => [named(rule.rule), rule.accessLevel, named(describeConditions(rule.conditions))]), empty: 'None of the rules ever decided about an Apple device.' })}</section>
${sentences('What never did what it seemed to', about('illusion'))}${sentences('What could not be carried over', about('not-carried-over'))}${sentences('What to know', findings.filter(({ kind }) => kind === 'note'))}
${losing.length > 0 && html`<section><h2>Phones that are let in now, and would not be</h2>${table({
    caption: `Of the first ${devices.first.length} of ${devices.count}, if what they say were proven`, head: ['Person', 'Model', 'Build', 'Contradictions'],
    rows: losing.map(device => [named(device.user ?? 'nobody'), named(device.productType ?? 'not known'), named(device.build ?? 'not known'), device.contradictions.join(', ')]), empty: '',
  })}</section>`}
${proposed(ctx, report.proposal, mayPreview, differences.count === 0 ? 'It decides about every known model and build as Exchange does, when phones tell the truth.' : `It decides otherwise than Exchange about ${differences.count} pairs of model and build, even when phones tell the truth.`)}`
}

export function rewriteReport(ctx: Context, report: RewriteView, mayPreview: boolean): Markup {
  const { totals, rules, models, findings, aim, differences, proposal } = report
  const wrong = models.filter(({ wronglyIn, wronglyOut }) => wronglyIn + wronglyOut > 0)
  return html`<section><h2>What the ruleset does</h2><p>Of ${totals.texts} User-Agents that known phones send, ${totals.passed} pass and ${totals.blocked} are refused.${aim !== null && html` Against the aim (${named(aim)}), ${totals.wronglyIn} are let in wrongly and ${totals.wronglyOut} are refused wrongly; ${totals.notToldApart} cannot be told.`}</p>
${table({ caption: 'Each rule, and to how many it applies', head: ['Rule', { text: 'Pass', numeric: true }, { text: 'Refused', numeric: true }, { text: 'Does', prose: true }], rows: rules.map(rule => [rule.rule, String(rule.passed), String(rule.blocked), named(rule.sentence)]), empty: 'None.' })}</section>
${wrong.length > 0 && html`<section><h2>Whom it treats against its aim</h2>${table({
    caption: 'Of the texts that phones of a model send', head: ['Model', { text: 'Wrongly in', numeric: true }, { text: 'Wrongly out', numeric: true }, { text: 'Of', numeric: true }, 'For example'],
    rows: wrong.map(model => [html`<a href="/console/models/${model.productType}">${named(model.name)}</a>`, String(model.wronglyIn), String(model.wronglyOut), String(model.texts), html`<code>${named(model.example ?? '')}</code>`]), empty: '',
  })}</section>`}
${sentences('What is wrong with it', findings.map(({ code, text, lines }) => ({ code, text: lines.length === 0 ? text : `${text} (line ${lines.join(', ')})` })))}
${proposal === null ? html`<section><h2>In its place</h2><p>A policy that does the same would take too many rules: say whom it was meant to let in.</p></section>`
    : proposed(ctx, proposal, mayPreview, differences.count === 0 ? 'It decides about every known model and build as the ruleset does.' : `It decides otherwise than the ruleset about ${differences.count} pairs of model and build.`)}`
}

/** More than these are for the command. */
const mostShown = 100

function proposed(ctx: Context, { approvals, rules }: ProposalView, mayPreview: boolean, sentence: string): Markup {
  const parts = [
    ...approvals.map(({ models, leastEvidence, reason }) => ({ words: `Approve ${models.length === 1 ? models[0]! : `${models.length} models`}`, more: models.join(' '), edit: { kind: 'approve', models, leastEvidence, reason } })),
    ...rules.map(rule => ({ words: ruleSentence(rule), more: '', edit: { kind: 'add-rule', rule } })),
  ]
  return html`<section><h2>In its place</h2><p>${sentence}</p>${table({
    caption: 'Each is previewed for itself', head: ['Change', ...mayPreview ? [''] : []],
    rows: parts.slice(0, mostShown).map(({ words, more, edit }) => [
      more === '' ? named(words) : html`<details><summary>${named(words)}</summary><p>${named(more)}</p></details>`,
      ...mayPreview ? [html`<form method="post" action="/console/policy/import/preview">${csrfField(ctx)}<input type="hidden" name="edit" value="${JSON.stringify(edit)}"><button type="submit">Preview…<span class="unseen"> ${words}</span></button></form>`] : [],
    ]),
    empty: 'Nothing: nobody would be let in.',
  })}${parts.length > mostShown && html`<p class="soft">${parts.length - mostShown} further ones: latchkey import shows and previews all.</p>`}</section>`
}

type PeopleView = z.input<typeof importExchangeDevices.output>
const prospects = { allow: 'would get in', quarantine: 'would be looked at', block: 'would not get in' } as const
/** So many people are invited in one turn of the page that follows. */
const inOneTurn = 50

export function peopleReport(ctx: Context, { phones, others, neverPass, unknown, nobodys, people, csv }: PeopleView, mayInvite: boolean): Markup {
  const sheets = csv.flatMap(turnsOf)
  return html`<section><h2>Whom to invite</h2><p>${phones} phones of ${people.count} people were read. ${neverPass === 0 ? 'All of their models could get in as policy stands, if what they claim were proven.' : `${neverPass} would not get in as policy stands, even if what they claim were proven.`}${unknown > 0 && ` ${unknown} claim no model.`}${others > 0 && ` No iPhone, iPad or iPod: ${others}.`}${nobodys > 0 && ` Of nobody that Exchange names: ${nobodys}.`} What phones claim is no evidence: nothing is put in force by it.</p>
${sheets.length === 0 ? html`<p>Nobody with an address could get in. Exchange writes no addresses by itself: add a column <code>PrimarySmtpAddress</code>.</p>`
  : mayInvite && html`<div class="actions">${sheets.map(({ text, lines }, index) => html`<form method="post" action="/console/invitations/many">${csrfField(ctx)}<input type="hidden" name="csv" value="${text}"><button type="submit">Check ${lines === 1 ? 'one person' : `${lines} people`}${sheets.length > 1 && `, part ${index + 1}`}</button></form>`)}</div>`}
${table({
  caption: people.count > people.first.length ? `The first ${people.first.length} of ${people.count}; who could get in stands first` : 'Who could get in stands first',
  head: ['Person', 'E-mail', { text: 'Phones', numeric: true }, { text: 'Could get in', numeric: true }, { text: 'Models, if their claims were proven', prose: true }],
  rows: people.first.map(person => [
    brief(person.name), brief(person.email ?? 'not said'), person.phones, person.couldPass,
    html`${person.models.map(({ model, prospect }, index) => html`${index > 0 && html`<br>`}${brief(model)}: ${prospect === null ? 'not known' : html`${prospects[prospect.verdict]}${prospect.verdict !== 'allow' && html` <span class="soft">${named(prospect.why)}</span>`}`}`)}`,
  ]),
  empty: 'Nobody has a phone in it.',
})}</section>`
}

function turnsOf(csv: string): { text: string, lines: number }[] {
  const [head, ...lines] = csv.split('\r\n').filter(text => text !== '')
  return Array.from({ length: Math.ceil(lines.length / inOneTurn) }, (_, turn) => {
    const own = lines.slice(turn * inOneTurn, (turn + 1) * inOneTurn)
    return { text: [head, ...own, ''].join('\n'), lines: own.length }
  })
}

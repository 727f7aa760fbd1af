import type { Context } from 'koa'
import type { EffectView, PolicyChangeView } from '../../protocols/api/operations/policy-changes.ts'
import { html, type Markup } from '../html.ts'
import { personLink } from '../links.ts'
import { address } from '../perform.ts'
import { brief, certificateState, modelWords, named } from '../status-words.ts'
import { choices, csrfField, dayInWords, done, field, grade, pager, problem, state, table, when } from '../words.ts'

export type ApplyValues = { action?: string, from?: string, notify?: boolean }
export type ChangePage = {
  change: PolicyChangeView, stops: readonly EffectView[], starts: readonly EffectView[], next: string | null
  mayApply: boolean, mayNotify: boolean, values: ApplyValues, mistake: string | undefined, doneText: string | undefined, now: Date
  /** while work goes on */
  refreshSeconds: number | undefined
}

export const count = (number: number, one: string, many = `${one}s`): string => `${number.toLocaleString('en-GB')} ${number === 1 ? one : many}`

export function changePage(ctx: Context, page: ChangePage): Markup {
  const { change, doneText, mistake } = page
  return html`<section><p class="soft"><a href="/console/policy">Policy</a> / <a href="/console/policy/changes">changes</a></p><h1>${named(change.sentence)}</h1>${done(doneText)}${problem(mistake)}</section>
<section class="consequence" id="progress" aria-live="polite"${page.refreshSeconds !== undefined && html` data-progress="${page.refreshSeconds}"`}>${consequence(page)}</section>
${change.state === 'ready' && page.mayApply && applyForm(ctx, page)}
${(change.state === 'applied' || change.state === 'applying') && page.mayApply && undoForm(ctx, page)}
${effects(page)}`
}

/** `4,120 of 10,000, about 20 s left` */
function progress({ change, now }: ChangePage): Markup {
  const { checked, total } = change
  const seconds = (now.getTime() - new Date(change.createdAt).getTime()) / 1000
  const left = checked === 0 || seconds < 1 ? undefined : Math.ceil(seconds / checked * (total - checked))
  return html`<h2>Looking at every phone: ${checked.toLocaleString('en-GB')} of ${total.toLocaleString('en-GB')}${left !== undefined && `, about ${left < 90 ? `${left} s` : `${Math.ceil(left / 60)} minutes`} left`}.</h2>
<progress max="${Math.max(total, 1)}" value="${checked}">${checked} of ${total}</progress><p>You may leave this page; it goes on.</p>`
}

function consequence(page: ChangePage): Markup {
  const { change, now } = page
  const { reach, outcome } = change
  const waiting = reach.certificates - outcome.held - outcome.revoked - outcome.released - outcome.passedOver - outcome.left
  switch (change.state) {
    case 'counting': return progress(page)
    case 'ready': return html`<h2>${headline(change)}</h2>${updatable(change)}${reach.starts > 0 && html`<p>Those that may come in open their invitation again.</p>`}<p class="soft">Counted ${when(new Date(change.createdAt), now)}. Nothing is changed yet.</p>`
    case 'applying': return change.dueAt !== null && new Date(change.dueAt) > now
      ? html`<h2>In force. ${count(waiting, 'certificate')} will be ${change.action === 'hold' ? 'held' : 'revoked'} on ${dayInWords(new Date(change.dueAt))}.</h2><p>Each is decided about again on that day: a phone that was updated until then keeps its certificate.</p>`
      : html`<h2>In force. ${count(reach.certificates - waiting, 'certificate')} of ${reach.certificates.toLocaleString('en-GB')} done.</h2><progress max="${Math.max(reach.certificates, 1)}" value="${reach.certificates - waiting}">${reach.certificates - waiting}</progress><p>You may leave this page; it goes on.</p>`
    case 'applied': return html`<h2>In force since ${when(new Date(change.appliedAt ?? change.createdAt), now)}, by ${named(change.appliedBy ?? '')}.</h2>${outcomes(change)}`
    case 'undoing': return html`<h2>Being taken back: ${count(outcome.released, 'certificate')} released, ${outcome.held} to go.</h2>`
    case 'undone': return html`<h2>Taken back ${when(new Date(change.undoneAt ?? change.createdAt), now)}, by ${named(change.undoneBy ?? '')}.</h2>${outcomes(change)}`
  }
}

/** What follows when nobody is reached. */
const forThoseToCome: Partial<Record<PolicyChangeView['kind'], string>> = { 'add-rule': ' It counts for phones that come.', approve: ' It counts for phones that come.' }

function headline({ reach, kind, checked }: PolicyChangeView): string {
  const starts = reach.starts > 0 ? `${count(reach.starts, 'phone')} that ${reach.starts === 1 ? 'has' : 'have'} no certificate may come in.` : ''
  if (reach.certificates > 0) return `This reaches ${count(reach.certificates, 'certificate')} of ${count(reach.people, 'person', 'people')}.${starts === '' ? '' : ` ${starts}`}`
  return starts !== '' ? starts : `This reaches nobody who is here now.${forThoseToCome[kind] ?? ''}${checked > 1 ? ` ${count(checked, 'phone')} were looked at.` : ''}`
}

function updatable({ reach }: PolicyChangeView): Markup | undefined {
  if (reach.updatable === 0 || reach.certificates === 0) return undefined
  const others = reach.phones - reach.updatable
  return html`<p>${count(reach.updatable, 'of the phones', 'of the phones')} can be updated to what is asked. ${others > 0 && `${others} cannot.`}</p>`
}

const certificatesLookedAt = (phones: number): string => phones === 0 ? '; no phone was here' : `; ${count(phones, 'phone')} ${phones === 1 ? 'was' : 'were'} looked at`

function outcomes({ outcome, action, reach, checked }: PolicyChangeView): Markup {
  const said = [
    outcome.held > 0 && `${count(outcome.held, 'certificate')} held`, outcome.revoked > 0 && `${count(outcome.revoked, 'certificate')} revoked`,
    outcome.released > 0 && `${count(outcome.released, 'certificate')} released`, outcome.passedOver > 0 && `${outcome.passedOver} passed over: decided again they might stay, or somebody had revoked them`,
  ].filter(part => part !== false)
  if (said.length > 0) return html`<p>${said.join('; ')}.</p>`
  return html`<p>${action === 'leave' && reach.certificates > 0 ? `${count(reach.certificates, 'certificate')} of phones that it would not let in ${reach.certificates === 1 ? 'was' : 'were'} left as ${reach.certificates === 1 ? 'it is' : 'they are'}.` : `No certificate was changed${certificatesLookedAt(checked)}.`}</p>`
}

function applyForm(ctx: Context, { change, values, mayNotify }: ChangePage): Markup {
  const { certificates, people } = change.reach
  return html`<section><h2>How to apply it</h2><form method="post" action="/console/policy/changes/${change.id}/apply">${csrfField(ctx)}
${certificates === 0 ? html`<input type="hidden" name="action" value="leave">` : html`${choices({
  legend: 'The certificates that it reaches', name: 'action', value: values.action ?? 'hold',
  options: [
    { value: 'leave', text: 'Leave them as they are', hint: 'They stay good until they end; new ones follow the change.' },
    { value: 'hold', text: 'Hold them', hint: 'Front ends refuse them until somebody releases them or this change is taken back.' },
    { value: 'revoke', text: 'Revoke them', hint: 'For good: taking the change back does not bring them back.' },
  ],
})}
${field({ label: 'From the beginning of this day', name: 'from', type: 'date', value: values.from ?? '', hint: 'Left empty: now. Until then everybody has time to update; each is decided about again on that day.' })}
${mayNotify && html`<label class="choice"><input type="checkbox" name="notify" value="yes"${values.notify === true && html` checked`}><span>Write to the ${count(people, 'person', 'people')} today</span></label>`}`}
<div class="actions"><button class="main" type="submit">${certificates === 0 ? 'Apply' : `Apply to ${count(certificates, 'certificate')}`}</button><a href="/console/policy">Leave it</a></div></form></section>`
}

const undoForm = (ctx: Context, { change }: ChangePage): Markup => html`<section><h2>Take it back</h2><p>Policy then stands as before${change.outcome.held > 0 && html`, and ${count(change.outcome.held, 'certificate')} ${change.outcome.held === 1 ? 'is' : 'are'} released`}.${change.outcome.revoked > 0 && ` ${count(change.outcome.revoked, 'certificate')} stay revoked.`}</p>
<form method="post" action="/console/policy/changes/${change.id}/undo" class="actions">${csrfField(ctx)}<button class="stop" type="submit">Take it back</button></form></section>`

function effects({ change, stops, starts, next }: ChangePage): Markup | undefined {
  if (change.state === 'counting') return undefined
  return html`${change.reach.certificates > 0 && html`<section>${table({
    caption: 'Whose certificates it reaches', head: ['Person', 'Phone', 'Version', 'Known by', 'Can be updated', 'Then', { text: 'Why', prose: true }],
    rows: stops.map(effect => [...who(effect), effect.canUpdate === null ? '–' : effect.canUpdate ? 'yes' : 'no', then(change, effect), brief(effect.why, 300)]), empty: '',
  })}${pager(next)}${download(change, 'stops')}</section>`}${change.reach.starts > 0 && html`<section>${table({
    caption: `Who may come in${change.reach.starts > starts.length ? `, the first ${starts.length} of ${change.reach.starts}` : ''}`, head: ['Person', 'Phone', 'Version', 'Known by', { text: 'Why', prose: true }],
    rows: starts.map(effect => [...who(effect), brief(effect.why, 300)]), empty: '',
  })}${download(change, 'starts')}</section>`}`
}

const download = ({ id }: PolicyChangeView, effect: EffectView['effect']): Markup =>
  html`<p><a href="${changeAddress(id)}/${effect}.csv" download>All of them for a spreadsheet (CSV)</a></p>`

const who = (effect: EffectView): (string | Markup)[] => [
  html`<a href="/console/phones/${effect.device}">${brief(effect.personName)}</a><br><span class="soft">${personLink(effect.personId, effect.personEmail)}</span>`, modelWords(effect), brief(effect.osVersion ?? '–'), grade(effect.grade, effect.test),
]

function then(change: PolicyChangeView, effect: EffectView): Markup {
  switch (effect.outcome) {
    case 'held': return certificateState('held')
    case 'revoked': return certificateState('revoked')
    case 'released': return state('released', 'good')
    case 'passed-over': return state('passed over')
    case 'left': return state('left as it is')
    case null: return change.state === 'applying' ? state(change.action === 'hold' ? 'to be held' : 'to be revoked', 'wait') : state(effect.verdict === 'block' ? 'would be refused' : 'would be set aside', 'wait')
  }
}

export function changesPage(changes: readonly PolicyChangeView[], next: string | null, now: Date): Markup {
  const words: Readonly<Record<PolicyChangeView['state'], Markup>> = {
    counting: state('being counted', 'wait'), ready: state('a preview'), applying: state('being applied', 'wait'), applied: state('in force', 'good'), undoing: state('being taken back', 'wait'), undone: state('taken back'),
  }
  return html`<section><p class="soft"><a href="/console/policy">Policy</a></p><h1>Changes of policy</h1></section><section>${table({
    caption: 'Newest first; previews that nobody applies are kept for a day', head: ['Change', 'State', 'Reaches', 'By', 'When'],
    rows: changes.map(change => [
      html`<a href="/console/policy/changes/${change.id}">${brief(change.sentence, 300)}</a>`, words[change.state], change.state === 'counting' ? '…' : `${count(change.reach.certificates, 'certificate')} of ${count(change.reach.people, 'person', 'people')}`,
      brief(change.appliedBy ?? change.createdBy), when(new Date(change.appliedAt ?? change.createdAt), now),
    ]),
    empty: 'No change has been previewed yet. Rules, approvals and exemptions that were made or ended stand here, and can be taken back.',
  })}${pager(next)}</section>`
}

export const changeAddress = (id: string, query: Record<string, string | undefined> = {}): string => address(`/console/policy/changes/${id}`, query)

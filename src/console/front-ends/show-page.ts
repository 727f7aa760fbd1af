import type { Context } from 'koa'
import type { EnforcementView } from '../../protocols/api/operations/enforcement.ts'
import type { FrontEndKind } from '../../protocols/check/kinds.ts'
import { gateActions } from '../../store/activesync.ts'
import { html, type Markup } from '../html.ts'
import { choices, csrfField, done, table, when } from '../words.ts'
import { trial, type FrontEndView } from './list-page.ts'
import { gateWords, kindName, kindWords, standingState, standingWords } from './words.ts'

export type FrontEndPage = { frontEnd: FrontEndView, enforced: EnforcementView | undefined, change: number, checkUrl: string | undefined, mayChange: boolean, doneText: string | undefined, now: Date }

export function frontEndPage(ctx: Context, page: FrontEndPage): Markup {
  const { frontEnd, enforced, mayChange, now } = page
  return html`<section><p class="soft"><a href="/console/front-ends">Front ends</a></p>${done(page.doneText)}<h1>${frontEnd.name}</h1>
${enforced === undefined ? page.checkUrl === undefined ? html`<p>No agent stands beside it yet: nothing brings it revocation lists, and nothing is known of what it enforces.</p>` : html`<p>It asks at each request. No agent stands beside it, so nothing is known of what it enforces while Latchkey cannot be asked.</p>`
  : html`<p>${standingState(enforced.standing)} ${frontEnd.name} ${standingWords[enforced.standing]}</p>`}</section>
<section><h2>What it is</h2><dl class="facts">
<div><dt>Kind</dt><dd>${kindName(frontEnd.kind)}; ${kindWords[frontEnd.kind as FrontEndKind]?.hint ?? frontEnd.convention}.${page.checkUrl !== undefined && ' Any other header is ignored.'}</dd></div>
${page.checkUrl !== undefined && html`<div><dt>Asks at</dt><dd><code class="long">${page.checkUrl}</code></dd></div>`}
<div><dt>About</dt><dd>${frontEnd.authority === null ? 'certificates of every authority that issues to phones' : html`certificates of <code>${frontEnd.authority}</code>`}</dd></div>
<div><dt>Last good data count</dt><dd>${inWords(frontEnd.maxAgeSeconds)}; then ${frontEnd.whenStale === 'refuse' ? 'everybody is refused' : 'it goes on, and somebody is told'}</dd></div>
<div><dt>Added</dt><dd>${when(new Date(frontEnd.createdAt), now)}</dd></div></dl>
<p class="soft"><a href="${`/console/records?subject=${encodeURIComponent(`front-end:${frontEnd.name}`)}`}">What was changed, by whom</a></p></section>
${enforced !== undefined && proof(page, enforced)}
${page.checkUrl !== undefined && html`<section><h2>Requests that contradict their certificate</h2>${mayChange ? gateForm(ctx, frontEnd) : html`<p>${gateWords[frontEnd.activeSync].name}. ${gateWords[frontEnd.activeSync].hint}</p>`}</section>`}
${mayChange && html`<section><p><a class="button" href="/console/front-ends/${frontEnd.name}/end">End this front end</a></p></section>`}`
}

const inWords = (seconds: number): string => seconds % 60 !== 0 ? `${seconds} seconds` : seconds === 60 ? 'one minute' : `${seconds / 60} minutes`

function proof({ change, now }: FrontEndPage, { canary, heardAt, way, changedAt, enforcementMs, refused, target, targetVersion, lists, problems, clockOffsetMs, ...enforced }: EnforcementView): Markup {
  return html`<section><h2>What it enforces</h2><dl class="facts">
<div><dt>Its agent</dt><dd>was heard ${when(new Date(heardAt), now)}${way === 'mutual-tls' ? ', by mutual TLS' : way === 'signed' ? ', by requests that it signed' : ''}${Math.abs(clockOffsetMs) >= 5000 && html`; its clock is ${Math.round(Math.abs(clockOffsetMs) / 1000)} seconds ${clockOffsetMs > 0 ? 'behind' : 'ahead'}`}</dd></div>
<div><dt>Change</dt><dd>${enforced.change} of ${change}, since ${when(new Date(changedAt), now)}</dd></div>
<div><dt>The newest revocation</dt><dd>${enforcementMs === null ? 'was not measured' : `was in force there after ${enforcementMs} ms`}</dd></div>
<div><dt>Refuses</dt><dd>${refused === 1 ? 'one certificate' : `${refused} certificates`}</dd></div>
<div><dt>Tried</dt><dd>${canary === null ? 'not yet' : html`${trial(canary)} ${when(new Date(canary.at), now)}${canary.detail !== null && html`: ${canary.detail}`}`}</dd></div>
<div><dt>Program</dt><dd>${target}${targetVersion !== null && ` ${targetVersion}`}</dd></div></dl>
${problems.length > 0 && html`<ul>${problems.map(({ code, detail }) => html`<li>${detail} <code>${code}</code></li>`)}</ul>`}
${table({ caption: 'Signed lists in force there', head: ['List', { text: 'Number', numeric: true }, 'SHA-256'], empty: 'It said nothing about lists.',
  rows: lists.map(list => [`${list.authority}, partition ${list.partition}`, list.crlNumber, html`<code>${list.sha256.slice(0, 16)}…</code>`]) })}</section>`
}

const gateForm = (ctx: Context, { name, activeSync }: FrontEndView): Markup => html`<form method="post" action="/console/front-ends/${name}/activesync">${csrfField(ctx)}
${choices({ legend: 'ActiveSync says things about the phone that prove nothing. When they contradict its certificate:', name: 'action', value: activeSync, options: gateActions.map(value => ({ value, text: gateWords[value].name, hint: gateWords[value].hint })) })}
<button type="submit">Keep this</button></form>`

export const endFrontEndPage = (ctx: Context, { name }: FrontEndView): Markup => html`<section><p class="soft"><a href="/console/front-ends">Front ends</a> / <a href="/console/front-ends/${name}">${name}</a></p><h1>End ${name}</h1></section>
<section class="consequence"><h2>From now on ${name} lets nobody in.</h2><p>Its secret opens nothing any more, and its agent hears nothing more. It cannot be undone; one of the same name can be added, with a new secret.</p></section>
<form method="post" action="/console/front-ends/${name}/end">${csrfField(ctx)}<div class="actions"><button class="stop" type="submit">End it</button><a href="/console/front-ends/${name}">Keep it</a></div></form>`

import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { readForm, seeOther } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { certHold, certList, certRelease, certRevoke } from '../../protocols/api/operations/certificates.ts'
import { deviceList } from '../../protocols/api/operations/devices.ts'
import { inviteList } from '../../protocols/api/operations/invitations.ts'
import { personList, personShow, personStory, type PersonDetail } from '../../protocols/api/operations/people.ts'
import { html, type Markup } from '../html.ts'
import { consolePage } from '../layout.ts'
import { address, mayPerform, perform, queryOf, refusalOf } from '../perform.ts'
import { doneText, isVerb, revocationPage, type RevocationForm, type Verb } from '../revocation-page.ts'
import { named } from '../status-words.ts'
import { peopleListPage } from './list-page.ts'
import { personPage, shownOfEach } from './person-page.ts'

export function peopleRouter(service: Service): Router {
  const router = new Router({ prefix: '/console/people' })
  router.get('/', async ctx => await list(ctx, service))
  router.get('/:id', async ctx => await show(ctx, service))
  router.get('/:id/:verb', async ctx => await form(ctx, await personOf(ctx, service), verbOf(ctx)))
  router.post('/:id/:verb', async ctx => await change(ctx, service))
  return router
}

async function list(ctx: Context, service: Service): Promise<void> {
  const [query, cursor] = [queryOf(ctx, 'q').slice(0, 200), queryOf(ctx, 'cursor')]
  const sort = query !== '' ? '' : queryOf(ctx, 'sort')
  const found = await perform(ctx, service, personList, { limit: 50, ...query !== '' && { search: query }, ...sort !== '' && { sort: sort as 'person' }, ...cursor !== '' && { cursor } })
  const next = found.next === null ? null : address('/console/people', { q: query, sort, cursor: found.next })
  const sorting = { path: '/console/people', query: {}, sort: sort || '-created' }
  consolePage(ctx, { title: 'People', current: 'people', body: peopleListPage({ ...found, query, next, sorting, now: service.now() }) })
}

async function personOf(ctx: Context, service: Service): Promise<PersonDetail> {
  const id: string = ctx['params']['id']
  if (!/^[0-9a-f-]{36}$/i.test(id)) throw new CaError('person-not-found', 'there is no person with this address')
  return await perform(ctx, service, personShow, { person: id })
}

async function show(ctx: Context, service: Service): Promise<void> {
  const person = await personOf(ctx, service)
  const of = { person: person.email, limit: shownOfEach }
  const { items: phones } = await perform(ctx, service, deviceList, of)
  const { items: certificates } = await perform(ctx, service, certList, of)
  const { items: invitations } = await perform(ctx, service, inviteList, { email: person.email, limit: shownOfEach })
  const { items: story } = await perform(ctx, service, personStory, { person: person.id })
  consolePage(ctx, {
    title: person.name.slice(0, 100), current: 'people',
    body: personPage({ person, phones, certificates, invitations, story, mayChange: mayPerform(ctx, certRevoke), doneText: doneText(queryOf(ctx, 'done')), now: service.now() }),
  })
}

function verbOf(ctx: Context): Verb {
  const verb: string = ctx['params']['verb']
  if (!isVerb(verb)) throw new CaError('not-found', 'there is no page at this address')
  return verb
}

const operations = { revoke: certRevoke, hold: certHold, release: certRelease } as const
const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`

/** What it reaches, in numbers, before it is done. */
function reachOf(verb: Verb, p: PersonDetail): Markup {
  switch (verb) {
    case 'revoke': return html`This reaches ${count(p.certificatesGood + p.certificatesHeld, 'certificate')} of ${count(p.phonesWithCertificate, 'phone')}, and ${p.openInvitations === 0 ? 'no invitation that is open' : `${count(p.openInvitations, 'invitation')} that ${p.openInvitations === 1 ? 'is' : 'are'} open and end${p.openInvitations === 1 ? 's' : ''}`}.`
    case 'hold': return html`This reaches ${count(p.certificatesGood, 'certificate')}, and everything that a phone of theirs would ask for.`
    case 'release': return html`This reaches ${count(p.certificatesHeld, 'certificate')} on hold, and phones of theirs that were put on hold. A phone that was revoked stays locked out until an admin releases it on its own page.`
  }
}

async function form(ctx: Context, person: PersonDetail, verb: Verb, values: RevocationForm['values'] = {}, mistake?: string): Promise<void> {
  if (!mayPerform(ctx, operations[verb])) throw new CaError('forbidden', `this needs the role ${operations[verb].role}`)
  const heading = { revoke: 'Revoke everything of', hold: 'Hold', release: 'Release' }[verb]
  consolePage(ctx, {
    title: `${heading} a person`, current: 'people', ...mistake !== undefined && { status: 400 },
    body: revocationPage(ctx, {
      verb, values, mistake, scopes: [], action: `/console/people/${person.id}/${verb}`, back: { path: `/console/people/${person.id}`, text: person.name },
      heading: html`${heading} ${named(person.name)}`, reach: reachOf(verb, person),
    }),
  })
}

async function change(ctx: Context, service: Service): Promise<void> {
  const verb = verbOf(ctx)
  const sent = await readForm(ctx)
  const person = await personOf(ctx, service)
  const target = { person: person.email, cause: sent.raw('cause') }
  try {
    const outcome = verb === 'revoke' ? await perform(ctx, service, certRevoke, { ...target, reason: sent.get('reason') as 'unspecified' }) : await perform(ctx, service, operations[verb], target)
    const nothing = outcome.changed.length + outcome.lockedOut.length + outcome.letInAgain.length + outcome.invitationsEnded === 0
    seeOther(ctx, `/console/people/${person.id}?done=${nothing ? 'nothing' : verb}`)
  } catch (error) {
    await form(ctx, person, verb, { reason: sent.get('reason'), cause: target.cause }, refusalOf(error))
  }
}

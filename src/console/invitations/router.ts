import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { assertRole } from '../../http/actor.ts'
import { readForm, type Form } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { mayActAs, requireRole, sessionOf } from '../../http/session.ts'
import { inviteBatch } from '../../protocols/api/operations/invitation-batch.ts'
import { inviteResend } from '../../protocols/api/operations/invitation-link.ts'
import { inviteCreate, inviteEnd, inviteList, inviteShow } from '../../protocols/api/operations/invitations.ts'
import { personShow } from '../../protocols/api/operations/people.ts'
import { templateList } from '../../protocols/api/operations/templates.ts'
import { fieldMistakes } from '../field-mistakes.ts'
import { consolePage } from '../layout.ts'
import { tellAt, told } from '../told.ts'
import { csrfField } from '../words.ts'
import { listPage } from './list-page.ts'
import { manyPage, maxPeople, previewPage } from './many-page.ts'
import { newPage, toldPage, type InvitationForm, type Told } from './new-page.ts'
import { showPage } from './show-page.ts'

const current = 'invitations'
const scripts = ['invitations.js']

export function invitationsRouter(service: Service): Router {
  const router = new Router({ prefix: '/console/invitations' })
  router.get('/', async ctx => await list(service, ctx))
  router.post('/', async ctx => await create(service, ctx))
  router.get('/new', requireRole('operator'), async ctx => {
    const values = { ...emptyForm, ...await knownPerson(service, ctx), days: String(service.config.invitationDays) }
    await answerForm(service, ctx, values, {})
  })
  router.get('/many', requireRole('operator'), ctx => { consolePage(ctx, { title: 'Invite many people', current, scripts, body: manyPage({ csrf: csrfField(ctx), csv: '' }) }) })
  router.post('/many', async ctx => await many(service, ctx))
  router.get('/told/:shown', async ctx => await tell(service, ctx))
  router.get('/:id', async ctx => await show(service, ctx, ctx.params['id']))
  router.post('/:id/resend', async ctx => await resend(service, ctx))
  router.post('/:id/end', async ctx => {
    await readForm(ctx)
    const { actor } = sessionOf(ctx)
    assertRole(actor, inviteEnd.role)
    const { id } = idOf(ctx.params['id'])
    await inviteEnd.run(service, actor, { id })
    ctx.status = 303
    ctx.redirect(`/console/invitations/${id}?ended`)
  })
  return router
}

/** @throws {CaError} invitation-not-found for what can be no id, as for one that is not there */
function idOf(text: string | undefined): { id: string } {
  const { success, data } = inviteShow.input.safeParse({ id: text })
  if (!success) throw new CaError('invitation-not-found', 'there is no invitation with this id')
  return data
}

const text = (value: unknown): string => typeof value === 'string' ? value : ''

async function list(service: Service, ctx: Context): Promise<void> {
  const email = text(ctx.query['email']).trim()
  const [cursor, sort] = [text(ctx.query['cursor']), text(ctx.query['sort']) || '-created']
  const input = inviteList.input.safeParse({ limit: 50, sort, ...email !== '' && { email }, ...cursor !== '' && { cursor } })
  const found = input.success ? await inviteList.run(service, sessionOf(ctx).actor, input.data).catch(nobody) : undefined
  const next = found?.next == null ? null : `/console/invitations?${new URLSearchParams({ ...email !== '' && { email }, sort, cursor: found.next })}`
  const sorting = { path: '/console/invitations', query: { email }, sort }
  const body = listPage({ items: found?.items ?? [], next, email, sorting, unknown: found === undefined, mayInvite: mayActAs(ctx, inviteCreate.role), now: service.now() })
  consolePage(ctx, { title: 'Invitations', current, body })
}

/** A person who is not there is an answer here, not a refusal. */
function nobody(error: unknown): undefined {
  if (error instanceof CaError && error.code === 'person-not-found') return undefined
  throw error
}

async function show(service: Service, ctx: Context, id: string | undefined): Promise<void> {
  const { invitation, attempts } = await inviteShow.run(service, sessionOf(ctx).actor, idOf(id))
  const csrf = mayActAs(ctx, inviteEnd.role) ? csrfField(ctx) : undefined
  consolePage(ctx, { title: `The invitation of ${invitation.personName}`, current, body: showPage({ invitation, attempts, csrf, canMail: canMail(service), days: service.config.invitationDays, ended: 'ended' in ctx.query, now: service.now() }) })
}

const emptyForm: InvitationForm = { name: '', email: '', userPrincipalName: '', groups: '', language: '', template: 'default', devices: '1', key: 'device', days: '', send: '' }
/** Whom the address names is filled in, for somebody who was invited before; groups and the name in the directory stay as they are on record. */
async function knownPerson(service: Service, ctx: Context): Promise<Pick<InvitationForm, 'name' | 'email'> | undefined> {
  const input = personShow.input.safeParse({ person: ctx.query['person'] })
  if (!input.success) return undefined
  const { name, email } = await personShow.run(service, sessionOf(ctx).actor, input.data)
  return { name, email }
}

const fieldNames = Object.keys(emptyForm) as (keyof InvitationForm)[]

async function answerForm(service: Service, ctx: Context, values: InvitationForm, mistakes: Readonly<Record<string, string>>): Promise<void> {
  const { items: templates } = await templateList.run(service, sessionOf(ctx).actor, {})
  const status = Object.keys(mistakes).length > 0 ? 400 : 200
  consolePage(ctx, { title: 'Invite a person', current, status, body: newPage({ csrf: csrfField(ctx), templates, values, mistakes, canMail: canMail(service) }) })
}

async function create(service: Service, ctx: Context): Promise<void> {
  const form = await readForm(ctx)
  const { actor } = sessionOf(ctx)
  assertRole(actor, inviteCreate.role)
  const values = Object.fromEntries(fieldNames.map(name => [name, form.get(name).slice(0, 10_000)])) as InvitationForm
  const input = inviteCreate.input.safeParse(inputOf(values))
  if (!input.success) return await answerForm(service, ctx, values, fieldMistakes(input.error))
  try {
    const created = await inviteCreate.run(service, actor, input.data)
    await tellAt(ctx, service, toldPath, { told: [{ ...created, name: input.data.name, email: input.data.email }], sent: input.data.send } satisfies Telling)
  } catch (error) {
    if (!(error instanceof CaError) || !['template-not-found', 'mail-not-configured', 'forbidden', 'conflict'].includes(error.code)) throw error
    await answerForm(service, ctx, values, { [error.code === 'template-not-found' ? 'template' : '']: error.message })
  }
}

/** What was left empty was not said. */
function inputOf(values: InvitationForm): Record<string, unknown> {
  const number = (typed: string): unknown => typed === '' ? undefined : Number(typed)
  const groups = values.groups.split(',').map(group => group.trim()).filter(group => group !== '')
  return {
    name: values.name, email: values.email, key: values.key || undefined, template: values.template || undefined,
    language: values.language || undefined, devices: number(values.devices), days: number(values.days), send: values.send === 'yes',
    ...values.userPrincipalName !== '' && { userPrincipalName: values.userPrincipalName }, ...groups.length > 0 && { groups },
  }
}

async function many(service: Service, ctx: Context): Promise<void> {
  const form = await readForm(ctx)
  const { actor } = sessionOf(ctx)
  assertRole(actor, inviteBatch.role)
  const csv = form.raw('csv')
  const answerAgain = (refusal: string): void => { consolePage(ctx, { title: 'Invite many people', current, scripts, status: 400, body: manyPage({ csrf: csrfField(ctx), csv, refusal }) }) }
  if (csv.trim() === '') return answerAgain('There is nothing in the table yet.')
  if (csv.length > 100_000) return answerAgain(`The table is too large. At most ${maxPeople} people fit into one turn.`)
  try {
    await checkOrCreate(service, ctx, form, csv, answerAgain)
  } catch (error) {
    if (!(error instanceof CaError) || !['malformed-csv', 'forbidden', 'conflict'].includes(error.code)) throw error
    answerAgain(error.code === 'malformed-csv' ? `The table cannot be read: ${error.message}.` : `Nobody was invited: ${error.message}.`)
  }
}

async function checkOrCreate(service: Service, ctx: Context, form: Form, csv: string, answerAgain: (refusal: string) => void): Promise<void> {
  const { actor } = sessionOf(ctx)
  const checked = await inviteBatch.run(service, actor, { csv, create: false, send: false })
  if (checked.lines.length > maxPeople) return answerAgain(`These are ${checked.lines.length} people. At most ${maxPeople} fit into one turn.`)
  const create = form.get('create') === 'yes' && checked.mistakes === 0 && checked.lines.length > 0
  const send = form.get('send') === 'yes'
  const result = create ? await inviteBatch.run(service, actor, { csv, create, send }) : checked
  if (result.created) return await tellAt(ctx, service, toldPath, { told: result.lines.map(({ name, email, invitation }) => ({ ...invitation!, name, email })), sent: send } satisfies Telling)
  consolePage(ctx, { title: 'Invite many people', current, scripts, body: previewPage({ csrf: csrfField(ctx), csv, lines: result.lines, mistakes: result.mistakes, canMail: canMail(service) }) })
}

const canMail = (service: Service): boolean => service.config.smtpUrl !== undefined

const toldPath = '/console/invitations/told'
type Telling = { told: readonly Told[], sent: boolean, again?: true }

/** A new link is a secret as the first one was: it is told on a page of its own. */
async function resend(service: Service, ctx: Context): Promise<void> {
  const form = await readForm(ctx)
  const { actor } = sessionOf(ctx)
  assertRole(actor, inviteResend.role)
  const send = form.get('send') === 'yes'
  const { name, email, ...made } = await inviteResend.run(service, actor, { ...idOf(ctx['params']['id']), send })
  await tellAt(ctx, service, toldPath, { told: [{ ...made, name, email }], sent: send, again: true } satisfies Telling)
}

async function tell(service: Service, ctx: Context): Promise<void> {
  const telling = await told<Telling>(ctx, service, current, '/console/invitations')
  if (telling === undefined) return
  const { length } = telling.told
  consolePage(ctx, { title: telling.again === true ? 'A new link' : length === 1 ? 'One person is invited' : `${length} people are invited`, current, scripts, body: toldPage(telling.told, telling.sent, telling.again) })
}

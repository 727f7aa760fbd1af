import test from 'ava'
import { openApi } from '../support/api.ts'
import { openCli } from '../support/cli.ts'
import { openConsole } from '../support/console.ts'
import { testService, type TestService } from '../support/service.ts'

const mail = { config: { smtpUrl: 'smtp://localhost:1' } }
const newest = async (service: TestService): Promise<string> => (await service.db.query<{ body: string }>('select body from outbox order by id desc limit 1'))[0]!.body
const [english, german] = [/^Hello Ines Roth,[^]*It works until 8 March 2026\./m, /^Hallo Ines Roth,[^]*Er gilt bis 8\. März 2026\./m]

test('an invitation is written in the language of its person, and in all where nobody knows it', async t => {
  const service = await testService(t, mail)
  const api = await openApi(t, service, 'operator')
  const invite = async (more: object): Promise<string> => {
    const { url } = await api.ask('POST', '/invitations', { name: 'Ines Roth', email: 'ines@example.org', send: true, ...more })
    const body = await newest(service)
    t.true(body.includes(`\n${url}\n`))
    return body
  }
  const both = await invite({})
  t.regex(both, english)
  t.regex(both, german)
  const one = await invite({ language: 'de' })
  t.regex(one, german)
  t.notRegex(one, /Hello/)
  t.notRegex(await invite({}), /Hello/, 'what is on record stays')
  t.notRegex(await invite({ language: 'en' }), /Hallo/)
  t.is((await api.ask('GET', '/people/ines@example.org')).language, 'en')
  t.is(await api.refusal('POST', '/invitations', { name: 'Ines Roth', email: 'ines@example.org', language: 'fr' }), 'invalid-argument')
})

test('a language is given in a table, on the page and by command, and a new link is written in it', async t => {
  const service = await testService(t, mail)
  const api = await openApi(t, service)
  const { lines } = await api.ask('POST', '/invitations/batch', { csv: 'name,email,language\nInes Roth,ines@example.org,de\nTom Weiss,tom@example.org,', create: true, send: true })
  t.notRegex((await service.db.query<{ body: string }>('select body from outbox order by id limit 1'))[0]!.body, /Hello/)
  t.regex(await newest(service), /Hello Tom Weiss[^]*Hallo Tom Weiss/)
  t.true((await api.ask('POST', '/invitations/batch', { csv: 'name,email,language\nInes Roth,ines@example.org,fr' })).lines[0].mistakes[0].startsWith('language'))
  await api.ask('POST', `/invitations/${lines[0].invitation.id}/resend`, { send: true })
  t.regex(await newest(service), german)
  t.notRegex(await newest(service), /Hello/)

  const console = await openConsole(t, service, 'operator')
  t.regex((await console.get('/console/invitations/new')).text, /name="language"[^]*value="de"/)
  await console.post('/console/invitations', { name: 'Ines Roth', email: 'ines@example.org', template: 'default', devices: '1', key: 'device', days: '7', language: 'en', send: 'yes' })
  t.regex(await newest(service), english)
  t.notRegex(await newest(service), /Hallo/)
  const { id } = await api.ask('GET', '/people/ines@example.org')
  t.regex((await console.get(`/console/people/${id}`)).text, /Written to in<\/dt><dd>English</)
  const cli = await openCli(t, service)
  t.is((await cli('invite', 'create', '--name', 'Ines Roth', '--email', 'ines@example.org', '--language', 'de')).exitCode, 0)
  t.regex((await cli('person', 'show', 'ines@example.org')).out, /language +de/)
})

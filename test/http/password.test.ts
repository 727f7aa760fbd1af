import test from 'ava'
import { hashPassword, passwordProblem, verifyPassword } from '../../src/http/password.ts'
import { newRecoveryCodes, recoveryCodeSha256 } from '../../src/http/recovery-codes.ts'
import { openSeal, seal } from '../../src/http/seal.ts'

test('a password is kept as argon2id with 19 MiB and two passes, and each time with new salt', async t => {
  const [first, second] = [await hashPassword('nine purple herons'), await hashPassword('nine purple herons')]
  t.regex(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  t.not(first, second)
  t.true(await verifyPassword('nine purple herons', first))
  t.false(await verifyPassword('nine purple heron', first))
  t.true(await verifyPassword('Zoë'.normalize('NFD'), await hashPassword('Zoë'.normalize('NFC'))))
})

test('a hash that another program made is understood (a vector of the reference implementation)', async t => {
  const hash = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
  t.true(await verifyPassword('password', hash))
  t.false(await verifyPassword('Password', hash))
})

test('where there is no hash no password is right, not even an empty one', async t => {
  for (const password of ['', 'password', 'x'.repeat(10_000)]) t.false(await verifyPassword(password, null))
})

test('a new password has twelve characters and is more than a name', t => {
  const about = ['Grace Hopper', 'grace@example.org']
  for (const weak of ['', 'short', 'aaaaaaaaaaaaaaaa', 'password1234', 'gracehopper1', 'grace@example.org', 'latchkey12345', '😀'.repeat(6), 'x7'.repeat(200)]) t.truthy(passwordProblem(weak, about), weak)
  for (const good of ['nine purple herons at dawn', 'Tr0ub4dor&3xyz', 'zwölf Boxkämpfer jagen']) t.is(passwordProblem(good, about), undefined, good)
})

test('recovery codes are ten, different, and read as people type them', t => {
  const codes = newRecoveryCodes()
  t.is(new Set(codes).size, 10)
  for (const code of codes) {
    t.regex(code, /^([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/)
    const typed = ` ${code.toUpperCase().replaceAll('-', ' ').replaceAll('0', 'O').replaceAll('1', 'l')} `
    t.deepEqual(recoveryCodeSha256(typed), recoveryCodeSha256(code))
  }
})

test('what is sealed opens for its purpose, until its end, unchanged', t => {
  const [secret, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const now = new Date('2026-03-01T09:00:00Z')
  const end = new Date('2026-03-01T09:10:00Z')
  const sealed = seal(secret, 'a purpose', end)
  t.deepEqual(openSeal(secret, 'a purpose', sealed, now), end)
  t.is(openSeal(secret, 'another', sealed, now), undefined)
  t.is(openSeal(other, 'a purpose', sealed, now), undefined)
  t.is(openSeal(secret, 'a purpose', sealed, end), undefined)
  for (let at = 0; at < sealed.length; at++) {
    const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`
    t.is(openSeal(secret, 'a purpose', changed, now), undefined)
  }
  for (const nonsense of ['', 'x', `${sealed}A`, sealed.slice(1), ` ${sealed}`]) t.is(openSeal(secret, 'a purpose', nonsense, now), undefined)
})

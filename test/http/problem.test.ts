import test from 'ava'
import { CaError } from '../../src/errors.ts'
import { problemCodes, toProblem } from '../../src/http/problem.ts'

test('a refusal is told with its code, in words and with a status', t => {
  t.deepEqual(toProblem(new CaError('invitation-expired', 'the invitation ended on 1 March')), {
    status: 410,
    body: { type: '/problems/invitation-expired', title: 'invitation expired', status: 410, detail: 'the invitation ended on 1 March', code: 'invitation-expired' },
  })
})

test('a defect says nothing about itself', t => {
  t.deepEqual(toProblem(new Error('relation "keys" does not exist at /srv/latchkey')), {
    status: 500, body: { type: 'about:blank', title: 'Internal Server Error', status: 500 },
  })
})

test('every code has a status of an error', t => {
  for (const code of problemCodes) t.true(toProblem(new CaError(code, '')).status >= 400, code)
})

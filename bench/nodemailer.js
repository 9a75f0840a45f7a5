// Sends COUNT mails through nodemailer's pool of 5 connections, as its users would: node nodemailer.js PORT COUNT < mail.json
// mail.json: {subject, text, html} with {{ first_name }}, {{ last_name }} and {{ city }} in them.
const nodemailer = require('nodemailer');

const port = Number(process.argv[2]);
const count = Number(process.argv[3]);
const mail = JSON.parse(require('fs').readFileSync(0, 'utf8'));

function merged(text, fields) {
  return text.replace(/\{\{ *(\w+) *\}\}/g, (_, name) => fields[name] ?? '');
}

async function main() {
  const pool = nodemailer.createTransport({
    host: '127.0.0.1', port, secure: false, ignoreTLS: true, pool: true, maxConnections: 5, maxMessages: Infinity,
  });
  let next = 1;
  async function lane() {
    while (next <= count) {
      const number = next++;
      const fields = {first_name: `First${number}`, last_name: number % 10 ? 'Last' : 'Müller', city: 'Pune'};
      await pool.sendMail({
        from: 'Anna <news@example.com>',
        to: `person${number}@example.com`,
        subject: merged(mail.subject, fields),
        text: merged(mail.text, fields),
        html: merged(mail.html, fields),
        headers: {'List-Unsubscribe': '<http://127.0.0.1:9/u/token>', 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click'},
      });
    }
  }
  await Promise.all(Array.from({length: 50}, lane)); // more than connections, so that each always has its next mail
  pool.close();
}

main();

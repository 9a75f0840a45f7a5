// usage: node mailparser.cjs FOLDER_OF_NODE_MODULES FOLDER: what mailparser reads in each FOLDER/*.eml, as JSON.
const fs = require("fs"), path = require("path");
const { simpleParser } = require(path.join(process.argv[2], "mailparser"));

(async () => {
  const folder = process.argv[3], seen = {};
  for (const name of fs.readdirSync(folder).filter((each) => each.endsWith(".eml"))) {
    const mail = await simpleParser(fs.readFileSync(path.join(folder, name)), {
      skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true, skipImageLinks: true,
    });
    seen[name] = {
      subject: mail.subject || "", from_name: mail.from.value[0].name, from: mail.from.value[0].address,
      text: mail.text || "", html: mail.html || "", headers: mail.headerLines.map((line) => line.key),
      files: mail.attachments.map((file) => [file.filename, file.contentType, file.checksum]),
    };
  }
  process.stdout.write(JSON.stringify(seen));
})();

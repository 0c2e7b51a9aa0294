// Returns the image's name if everything that the image promises is there.
const assert = require("node:assert");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");

exports.handler = async () => {
    assert(Number(process.versions.node.split(".")[0]) >= 18, process.version);
    assert.equal(require("node:crypto").createHash("md5").update("").digest("hex").slice(0, 8), "d41d8cd9");
    assert.equal(new Intl.DateTimeFormat("de", { month: "long" }).format(new Date(0)), "Januar");
    assert.equal(execFileSync("whoami").toString().trim(), "sandbox");
    return fs.readFileSync("/etc/sandbox-image", "utf8").trim();
};

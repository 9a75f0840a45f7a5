# usage: perl spamassassin.pl FOLDER HOME: the rules of SpamAssassin that each FOLDER/*.eml hits, "name rule rule …".
use strict;
use warnings;
use Mail::SpamAssassin;

my ($folder, $home) = @ARGV;
my $judge = Mail::SpamAssassin->new({
    local_tests_only => 1, dont_copy_prefs => 1, userstate_dir => $home, home_dir_for_helpers => $home,
    post_config_text => "use_bayes 0\nuse_txrep 0\nuse_auto_welcomelist 0\n",
});
$judge->init(0);
for my $path (sort glob("$folder/*.eml")) {
    open(my $file, "<:raw", $path) or die $!;
    my $mail = $judge->parse([<$file>]);
    my $seen = $judge->check($mail);
    my @rules = sort(split(/,/, $seen->get_names_of_tests_hit()), split(/,/, $seen->get_names_of_subtests_hit()));
    $path =~ s{.*/}{};
    print join(" ", $path, grep { !/^__/ && /./ } @rules), "\n";
    $seen->finish();
    $mail->finish();
}
